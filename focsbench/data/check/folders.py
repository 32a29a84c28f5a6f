"""Check of photographs of one's own: the authors' form, and a plain folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from focsbench.data.check.files import (
    ImageFacts,
    look_at_images,
    nested,
    note_archives,
    note_damaged,
)
from focsbench.data.check.lists import landmarks_or_note, note_misplaced, note_unlisted
from focsbench.data.check.report import CheckReport, Scan, some
from focsbench.data.photo_folder import (
    DATASET,
    LANDMARKS,
    mask_of,
    photo_files,
    sharing_keys,
)
from focsbench.data.photos import key_of

SPLITS = ("train", "val", "test", "all")


def check_authors(scan: Scan) -> CheckReport:
    """See :func:`focsbench.data.check.check_dataset`."""
    report = CheckReport("authors' folder", scan.path)
    root = nested(report, scan.path, DATASET)
    note_archives(report, root)
    photos = _photographs(report, root / DATASET, scan)
    lists = [root / f"{split}_landmarks.csv" for split in SPLITS]
    there = [path for path in lists if path.is_file()]
    for path in there or [lists[-1]]:
        listed = landmarks_or_note(report, path, "the photographs", root / DATASET)
        report.count(f"lines of {path.name}", len(listed))
        absent = sorted(file for file in listed if file not in photos)
        if absent:
            report.error(
                "lines_without_photograph",
                f"{len(absent)} lines of {path.name} have no usable photograph below "
                f"{DATASET}: {some(absent)}",
                f"names in {path.name} are paths below {root / DATASET}; add the photographs or "
                "remove the lines",
            )
        note_misplaced(report, path, listed, photos)
        usable = len(listed.keys() & photos.keys())
        report.usable[path.name] = 0 if _share_keys(report, listed) else usable
    return report


def check_photos(scan: Scan) -> CheckReport:
    """See :func:`focsbench.data.check.check_dataset`."""
    report = CheckReport("photographs", scan.path)
    note_archives(report, scan.path)
    photos = _photographs(report, scan.path, scan)
    path = scan.path / LANDMARKS
    listed = landmarks_or_note(report, path, "the photographs", scan.path)
    report.count("photographs with landmarks", len(listed.keys() & photos.keys()))
    if listed:
        note_unlisted(report, path, photos.keys(), listed.keys())
    note_misplaced(report, path, listed, photos)
    usable = len(listed.keys() & photos.keys())
    report.usable["all"] = 0 if _share_keys(report, photo_files(scan.path)) else usable
    return report


def _share_keys(report: CheckReport, files: Iterable[str]) -> bool:
    """Say which photographs would be one in predictions, for which the reader refuses them all."""
    pairs = sharing_keys(files)
    if pairs:
        named = [f"{one} and {other} ({key_of(one)})" for one, other in pairs]
        report.error(
            "ambiguous_names",
            f"{len(pairs)} photographs would have the name of another one in predictions: "
            f"{some(named)}",
            "rename or delete these files",
        )
    return bool(pairs)


def _photographs(report: CheckReport, folder: Path, scan: Scan) -> dict[str, ImageFacts]:
    """Return size by path below the folder of the photographs that can be read."""
    files = photo_files(folder) if folder.is_dir() else []
    report.count("photographs", len(files))
    if not files:
        report.error(
            "no_photographs",
            f"{folder} holds no photograph",
            f"put photographs (JPEG, PNG, ...) into {folder}",
        )
        return {}
    looked = look_at_images([folder / file for file in files], scan, "photographs")
    good = note_damaged(report, looked, "photographs")
    _masks(report, folder, files, good, scan)
    return {file: good[folder / file] for file in files if folder / file in good}


def _masks(
    report: CheckReport,
    folder: Path,
    files: Collection[str],
    photos: dict[Path, ImageFacts],
    scan: Scan,
) -> None:
    masks = {file: mask for file in files if (mask := mask_of(folder, file)) is not None}
    report.count("photographs with a mask", len(masks))
    good = note_damaged(report, look_at_images(list(masks.values()), scan, "masks"), "masks")
    other = [
        file
        for file, mask in masks.items()
        if mask in good and folder / file in photos and good[mask] != photos[folder / file]
    ]
    if other:
        report.warning(
            "other_mask_size",
            f"{len(other)} masks have another size than their photograph: {some(other)}; they are "
            "resized if the shape is the same, and refused otherwise",
        )
