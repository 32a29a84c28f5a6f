"""Pairs of an unoccluded and an occluded photograph of one person in comparable pose.

Table 3 of the paper compares 62 such pairs of the validation set; which, is not published. Here
every subject's ``multiview_neutral`` photographs are matched one to one with the
``multiview_occlusions`` ones, so that the differences of their yaw have the least sum. As many
photographs are paired as the smaller group has; the rest has no part in the comparison.

Yaw has a sign: 30 degrees to the left shows another half of the face, in another light, than 30
degrees to the right. No pair is refused for being far apart; the published list says how far.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment

from focsbench.errors import InputError
from focsbench.geometry.head_pose import HeadPose, head_pose_from_landmarks
from focsbench.progress import track
from focsbench.types import FloatArray
from focsbench.user_files import text_lines

UNOCCLUDED = "multiview_neutral"
OCCLUDED = "multiview_occlusions"
PAIRS_FILE = "pairs.csv"
YAW_FILE = "yaw.csv"
PAIRS_COLUMNS = ("unoccluded", "occluded", "yaw_unoccluded", "yaw_occluded", "difference")
YAW_COLUMNS = ("image", "yaw", "pitch", "roll", "reason")
DIGITS = 2  # degrees are rounded before they are used, so that the lists reproduce the pairs
T = TypeVar("T")


class ScanItem(Protocol):
    """One image of the list: its key, subject and challenge."""

    @property
    def key(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def challenge(self) -> str: ...


def pair_by_yaw(
    items: Sequence[ScanItem], yaw_degrees: Mapping[str, float]
) -> list[tuple[str, str]]:
    """Match unoccluded with occluded photographs of the same subject, nearest yaw.

    Args:
        items: images of all challenges, in any order.
        yaw_degrees: by key; images that are not in it have no part.

    Returns:
        (unoccluded key, occluded key), sorted; no key stands in it twice.
    """
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for item in items:
        if item.key in yaw_degrees and item.challenge in (UNOCCLUDED, OCCLUDED):
            group = groups.setdefault(item.subject, ([], []))
            group[item.challenge == OCCLUDED].append(item.key)
    pairs = []
    for group in groups.values():
        # Sorted, so that the order of the list does not decide between equally good matches.
        unoccluded, occluded = map(sorted, group)
        yaws = [np.array([yaw_degrees[key] for key in keys]) for keys in (unoccluded, occluded)]
        rows, columns = linear_sum_assignment(np.abs(yaws[0][:, None] - yaws[1]))
        pairs += [(unoccluded[i], occluded[j]) for i, j in zip(rows, columns, strict=True)]
    return sorted(pairs)


def head_poses(
    items: Iterable[ScanItem], landmarks: Mapping[str, FloatArray]
) -> tuple[dict[str, HeadPose], dict[str, str]]:
    """Return pose by key, rounded to hundredths of a degree, and the reason where there is none.

    landmarks: (68, 2) pixels of the photograph, by key.
    """
    poses: dict[str, HeadPose] = {}
    reasons: dict[str, str] = {}
    for item in items:
        if item.key not in landmarks:
            reasons[item.key] = "no landmarks"
            continue
        try:
            pose = head_pose_from_landmarks(landmarks[item.key])
        except ValueError as error:
            reasons[item.key] = str(error)
        else:
            poses[item.key] = HeadPose(*map(_rounded, (pose.yaw, pose.pitch, pose.roll)))
    return poses, reasons


def write_pairs(
    items: Sequence[ScanItem], landmarks: Mapping[str, FloatArray], folder: Path
) -> None:
    """Write the list of pairs and the yaw that it rests on, ``pairs.csv`` and ``yaw.csv``.

    ``yaw.csv`` has a line for every item: degrees, or the reason why they are not known.

    Args:
        items: images of all challenges, in the order of the dataset.
        landmarks: (68, 2) pixels of the photograph, by key; may lack some or all images.
        folder: existing folder.
    """
    poses, reasons = head_poses(track(items, "head poses", len(items)), landmarks)
    yaw = {key: pose.yaw for key, pose in poses.items()}
    empty = ("", "", "")
    yaw_lines = [
        (key, *_text(poses[key]), "") if key in poses else (key, *empty, reasons[key])
        for key in (item.key for item in items)
    ]
    pair_lines = [
        (a, b, *map(_degrees, (yaw[a], yaw[b], abs(yaw[a] - yaw[b]))))
        for a, b in pair_by_yaw(items, yaw)
    ]
    _write(folder / YAW_FILE, YAW_COLUMNS, yaw_lines)
    _write(folder / PAIRS_FILE, PAIRS_COLUMNS, pair_lines)


def read_pairs(folder: Path) -> list[tuple[str, str]]:
    """Read (unoccluded key, occluded key) from the ``pairs.csv`` of a folder; none if absent."""
    return _read(
        folder / PAIRS_FILE, PAIRS_COLUMNS, lambda line: (line["unoccluded"], line["occluded"])
    )


def read_yaw(folder: Path) -> dict[str, float]:
    """Read yaw in degrees by key from the ``yaw.csv`` of a folder; nothing if absent."""
    lines = _read(folder / YAW_FILE, YAW_COLUMNS, lambda line: (line["image"], line["yaw"]))
    try:
        yaw = {key: float(text) for key, text in lines if text}
    except ValueError as error:
        raise _unusable(folder / YAW_FILE, error) from None
    if not np.isfinite(list(yaw.values())).all():
        raise _unusable(folder / YAW_FILE, "an angle is not finite")
    return yaw


def _rounded(degrees: float) -> float:
    return round(degrees, DIGITS) + 0.0  # no negative zero


def _degrees(value: float) -> str:
    return f"{_rounded(value):.{DIGITS}f}"


def _text(pose: HeadPose) -> tuple[str, str, str]:
    return _degrees(pose.yaw), _degrees(pose.pitch), _degrees(pose.roll)


def _write(path: Path, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(lines)


def _read(path: Path, columns: Sequence[str], pick: Callable[[dict[str, str]], T]) -> list[T]:
    """Pick something from every line of a list; a list that is not there is empty."""
    if not path.exists():
        return []
    try:
        reader = csv.reader(text_lines(path, "list"))
        if next(reader, None) != list(columns):
            raise _unusable(path, f"the first line is not {','.join(columns)}")
        lines = [dict(zip(columns, line, strict=True)) for line in reader]
    except (ValueError, csv.Error) as error:
        raise _unusable(path, error) from None
    return [pick(line) for line in lines]


def _unusable(path: Path, reason: object) -> InputError:
    return InputError(f"{path}: not readable as a list ({reason}); score the method again.")
