"""The tables of a result: CSV files per image, subject and challenge, Markdown for the terminal."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from focsbench.data.now import NoWItem
from focsbench.now.result import Group, NowResult

IMAGE_COLUMNS = (
    "image", "subject", "challenge", "status", "n", "median", "mean", "std", "iterations",
    "sum_of_squares", "warnings", "reason",
)  # fmt: skip
GROUP_COLUMNS = (
    "images", "done", "done_rate", "n", "median", "mean", "std", "mean_of_medians",
    "mean_of_means", "mean_of_stds",
)  # fmt: skip
MISSING = "—"


def write_tables(result: NowResult, items: Sequence[NoWItem], folder: Path) -> list[Path]:
    """Write ``images.csv``, ``subjects.csv`` and ``challenges.csv``; return the paths.

    Numbers keep all their digits; an image without a score has a reason instead of numbers.

    Args:
        result: of the items.
        items: the images, in the order of the list.
        folder: existing folder.
    """
    return [
        _write(folder / "images.csv", IMAGE_COLUMNS, _image_rows(result, items)),
        _write_groups(folder / "subjects.csv", "subject", result.subjects),
        _write_groups(
            folder / "challenges.csv", "challenge", {"all": result.overall, **result.challenges}
        ),
    ]


def markdown_table(result: NowResult) -> str:
    """Return all images and each challenge as a GitHub table, mm with two decimals as officially.

    Pooled numbers stand beside the means of the per-image numbers.
    """
    headings = [
        "images", "done", "scan points", "median", "mean", "std", "images' median", "mean", "std",
    ]  # fmt: skip
    groups = {"all": result.overall, **result.challenges}
    if len(result.challenges) == 1:
        del groups["all"]
    rows = [[name, *_cells(group)] for name, group in groups.items()]
    return tabulate(
        rows, headings, tablefmt="github", disable_numparse=True,
        colalign=("left", *["right"] * (len(headings) - 1)),
    )  # fmt: skip


def warning_lines(result: NowResult) -> list[str]:
    """Return one line per kind of warning, then one per reason why images have no score."""
    warnings: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for image in result.images:
        for warning in image.warnings:
            name, _, text = warning.partition(": ")
            warnings[name].append((image.image, text))
    total = len(result.images)
    lines = [
        f"warning {name}: {len(hits)} of {total} images, the first is {hits[0][0]}: {hits[0][1]}"
        for name, hits in sorted(warnings.items())
    ]
    if result.missing:
        line, reason = next(iter(result.missing.items()))
        lines.append(f"no score: {len(result.missing)} images, the first is {line}: {reason}")
    return lines


def _cells(group: Group) -> list[str]:
    done = f"{group.done}/{group.images}"
    if group.pooled is None or group.mean_of_images is None:
        return [done, *[MISSING] * 7]
    pooled, means = group.pooled, group.mean_of_images
    numbers = (pooled.median, pooled.mean, pooled.std, means.median, means.mean, means.std)
    return [done, str(pooled.n), *(f"{number:.2f}" for number in numbers)]


def _image_rows(result: NowResult, items: Sequence[NoWItem]) -> Iterable[dict[str, Any]]:
    scores = {score.image: score for score in result.images}
    for item in items:
        row: dict[str, Any] = {
            "image": item.file, "subject": item.subject, "challenge": item.challenge
        }  # fmt: skip
        score = scores.get(item.file)
        if score is None:
            yield {**row, "status": "failed", "reason": result.missing.get(item.file, "")}
            continue
        names = ("n", "median", "mean", "std", "iterations", "sum_of_squares")
        numbers = {name: getattr(score, name) for name in names}
        kinds = [warning.partition(": ")[0] for warning in score.warnings]
        yield {**row, "status": "ok", **numbers, "warnings": " ".join(kinds)}


def _write_groups(path: Path, name: str, groups: Mapping[str, Group]) -> Path:
    rows = ({name: one, **_group_row(group)} for one, group in groups.items())
    return _write(path, (name, *GROUP_COLUMNS), rows)


def _group_row(group: Group) -> dict[str, Any]:
    row: dict[str, Any] = {
        "images": group.images, "done": group.done, "done_rate": group.done_rate
    }  # fmt: skip
    if group.pooled is not None and group.mean_of_images is not None:
        pooled, means = group.pooled, group.mean_of_images
        row |= {"n": pooled.n, "median": pooled.median, "mean": pooled.mean, "std": pooled.std}
        row |= {
            "mean_of_medians": means.median, "mean_of_means": means.mean, "mean_of_stds": means.std
        }  # fmt: skip
    return row


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
