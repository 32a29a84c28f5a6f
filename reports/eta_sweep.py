"""The weights of S one by one: four indices on AR, and one photograph's masks (supplement C.3)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate

from focsbench.data.photos import open_image
from focsbench.errors import InputError
from focsbench.protocols.base import ProtocolCard

from .base import ReportContext, write_bytes, write_text
from .eta_figure import sweep_figure
from .eta_trends import (
    CHANGE,
    COLLAPSED,
    EXPECTED,
    FLAT,
    INDICES,
    PAPER,
    PROTOCOL,
    RECALL,
    SYMBOLS,
    Trend,
    find_trends,
    value_of,
)
from .gallery_tiles import Pixels, mask_picture, photo_tiles
from .table_writers import plain_markdown

MISSING = "—"


class EtaSweep:
    """``eta_sweep.png`` and ``.pdf``, its numbers as ``.csv``, the verdicts as ``.md``."""

    name = "eta_sweep"
    source = "sweep"  # the step of the plan that holds all it needs

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        trends = find_trends(context.summary)
        if context.sweep is None or not trends:
            return []
        sweep = read_sweep(context.sweep)
        png, pdf = sweep_figure(trends, sweep.standard, sweep.masks, _photograph(context, sweep))
        stem = context.output / self.name
        numbers = sweep_table(context.summary, sweep).to_csv(index=False, float_format="%.6g")
        text = f"# The weights of the segmentation loss\n\n{trends_markdown(context)}"
        return [
            write_bytes(stem.with_suffix(".png"), png),
            write_bytes(stem.with_suffix(".pdf"), pdf),
            write_text(stem.with_suffix(".csv"), numbers),
            write_text(stem.with_suffix(".md"), text),
        ]


@dataclass(frozen=True)
class Sweep:
    """What the step that gathered the sweep wrote beside its rows.

    standard: value of the run by weight; masks: by weight, one picture per value, ascending, None
        where the point has no mask of the photograph; photograph: its key; dataset: its dataset;
    autoencoder, iterations: how the points were trained; card: of the protocol that scored them.
    """

    standard: dict[str, float]
    masks: dict[str, tuple[Pixels | None, ...]]
    photograph: str
    dataset: str
    autoencoder: str
    iterations: int
    card: str


def read_sweep(folder: Path) -> Sweep:
    """Read the folder of the plan step ``sweep``.

    Raises:
        InputError: if the folder was not written by it.
    """
    try:
        content = json.loads((folder / "sweep.json").read_bytes())
        points = sorted(content["points"], key=lambda point: float(point["value"]))
        return Sweep(
            standard={point["eta"]: point["value"] for point in points if point["standard"]},
            masks={
                eta: tuple(
                    _mask(folder / "masks" / f"{point['method']}.png")
                    for point in points
                    if point["eta"] == eta
                )
                for eta in PAPER
            },
            **{
                name: content[name]
                for name in ("photograph", "dataset", "autoencoder", "iterations", "card")
            },
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / 'sweep.json'}: not readable as a sweep ({error}); run the sweep again."
        ) from None


def sweep_table(summary: pd.DataFrame, sweep: Sweep) -> pd.DataFrame:
    """Return the numbers behind the figure: one row per weight, value, subset and index."""
    rows = summary[(summary["protocol"] == PROTOCOL) & summary["metric"].isin(INDICES)].reset_index(
        drop=True
    )
    weights = rows["method"].str.partition("=")[0]
    values = rows["method"].map(value_of)
    table = pd.DataFrame({"weight": weights, "setting": values})
    table["standard"] = [
        np.isclose(value, sweep.standard.get(weight, -1.0), rtol=1e-5)
        for weight, value in zip(weights, values, strict=True)
    ]
    table[["subset", "metric"]] = rows[["subset", "metric"]]
    table[["value", "std", "n", "done_rate"]] = rows[["value", "std", "n", "done_rate"]]
    order = {eta: place for place, eta in enumerate(PAPER)}
    return table.assign(order=weights.map(order)).sort_values(
        ["order", "setting", "subset", "metric"], kind="stable"
    ).drop(columns="order")  # fmt: skip


def trends_markdown(context: ReportContext) -> str:
    """Return the verdict on each trend that the paper states, with numbers; empty without a sweep.

    Also the card that says how the points were trained and scored.
    """
    trends = find_trends(context.summary)
    if context.sweep is None or not trends:
        return ""
    sweep = read_sweep(context.sweep)
    table = tabulate(
        [_row(trend, sweep) for trend in trends],
        ("weight", "values", "paper", "recall", "change", *_changes(), "step back", "verdict"),
        tablefmt="github",
        disable_numparse=True,
    )
    card = ProtocolCard(name=PROTOCOL, version=1, rules=_rules(sweep))
    return (
        f"{table}\n\n"
        "Mean over the subsets of AR. Change: at the largest minus at the smallest value. Step "
        "back: largest step of recall between neighbouring values against the direction that the "
        "paper states (either way for η5). As the paper says: recall changes by "
        f"{CHANGE:g} or more in that direction and no step back is above {CHANGE:g}; for η5, no "
        f"index ranges over more than {FLAT:g}. Not measured: a point has no number, or S keeps "
        f"less than {COLLAPSED:g} of the face at every value. The paper prints curves without "
        "numbers, so these bounds are ours. One training per point: the verdicts say nothing "
        "about significance.\n\n"
        f"Figure: masks of {plain_markdown(sweep.photograph)} (the first photograph with a scarf "
        "that was scored): white is visible face, vermilion hidden, black outside the rendered "
        f"region.\n\n{card.as_markdown()}\n{sweep.card}"
    )


def _changes() -> tuple[str, ...]:
    return tuple(index for index in INDICES if index != RECALL)


def _row(trend: Trend, sweep: Sweep) -> list[str]:
    standard = sweep.standard.get(trend.eta)
    values = ", ".join(
        f"**{value:g}**" if standard is not None and np.isclose(value, standard, rtol=1e-5)
        else f"{value:g}"
        for value in trend.values
    )  # fmt: skip
    recall = ", ".join(
        MISSING if value is None else f"{value:.3f}" for value in trend.indices[RECALL]
    )
    numbers = [
        f"{trend.change[index]:+.3f}" if index in trend.change else MISSING
        for index in (RECALL, *_changes())
    ]
    back = f"{trend.backward:.3f}" if trend.change else MISSING
    verdict = trend.verdict if trend.verdict == "as the paper says" else f"**{trend.verdict}**"
    return [
        SYMBOLS[trend.eta], values, EXPECTED[trend.expected], recall, *numbers, back, verdict
    ]  # fmt: skip


def _rules(sweep: Sweep) -> dict[str, str | int]:
    return {
        "changed": "one weight of the loss of S, the others as in the run (control variates)",
        "S": f"from its pre-training, {sweep.iterations} iterations at each point",
        "R": f"fixed, of the stage {sweep.autoencoder}",
        "images": "the same at every point, in the order of the joint training",
        "standard point": "trained once, part of every curve",
        "scores": "as the protocol below",
    }


def _mask(path: Path) -> Pixels | None:
    if not path.is_file():
        return None
    values = np.asarray(open_image(path, "L"))
    return mask_picture(values > 0, values == 255)


def _photograph(context: ReportContext, sweep: Sweep) -> list[tuple[str, Pixels]]:
    """Return the photograph and its true mask, where the dataset is at hand."""
    dataset = context.datasets.get(sweep.dataset)
    if dataset is None or sweep.photograph not in dataset.keys():  # noqa: SIM118 (no mapping)
        return []
    pictures = photo_tiles(dataset[dataset.keys().index(sweep.photograph)]).pictures
    titled = [("photograph", pictures[0]), ("visible face", pictures[2])]
    return [(title, tile) for title, tile in titled if not isinstance(tile, str)]
