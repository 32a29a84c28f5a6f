"""Check of the AR faces with their masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from focsbench.data.ar import (
    IMAGES,
    LANDMARKS,
    MASKS,
    SUBSET_BY_NUMBER,
    ar_files,
    ar_key,
    ar_photos,
    ar_subset,
    has_ar_name,
)
from focsbench.data.check.files import (
    ImageFacts,
    look_at_images,
    nested,
    note_archives,
    note_damaged,
)
from focsbench.data.check.lists import landmarks_or_note, note_misplaced, note_unlisted
from focsbench.data.check.report import CheckReport, Scan, some
from focsbench.data.photos import IMAGE_SUFFIXES
from focsbench.errors import InputError
from focsbench.types import FloatArray

PUBLISHED_MASKS = 120
PER_SUBSET = 40  # neutral, glasses and scarf of Table 4 have equally many
_SAME_SHAPE = 0.02


def check_ar(scan: Scan) -> CheckReport:
    """See :func:`focsbench.data.check.check_dataset`."""
    report = CheckReport("AR", scan.path)
    root = nested(report, scan.path, MASKS)
    note_archives(report, root)
    photos = _named(report, ar_photos, root)
    masks = _named(report, ar_files, root / MASKS)
    _note_strange(report, root / (IMAGES if (root / IMAGES).is_dir() else "."), "photographs")
    _note_strange(report, root / MASKS, "masks")
    _note_raw(report, root)
    report.count("photographs", len(photos))
    report.count("masks", len(masks), PUBLISHED_MASKS)
    subsets = Counter(ar_subset(key) for key in masks)
    for subset in SUBSET_BY_NUMBER.values():
        report.count(f"masks, {subset}", subsets[subset], PER_SUBSET)
    if not masks:
        report.error(
            "no_masks",
            f"{root / MASKS} holds no mask with an AR name",
            "ask the authors of Egger et al. 2018 for the 120 visible-face masks of AR, and put "
            f"them into {root / MASKS} under the names of the photographs",
        )
    elif len(masks) != PUBLISHED_MASKS:
        report.warning(
            "other_number",
            f"there are {len(masks)} masks instead of the {PUBLISHED_MASKS} published ones, so "
            "results are not comparable with those of the paper",
        )
    good_photos = _look(report, photos, scan, "photographs")
    good_masks = _look(report, masks, scan, "masks")
    _note_missing_photos(report, root, photos, masks)
    _note_shapes(report, good_photos, good_masks)
    landmarks = _landmarks(report, root, set(masks or photos), good_photos)
    for key in masks or photos:
        usable = key in good_photos and key in landmarks and (not masks or key in good_masks)
        subset = ar_subset(key)
        report.usable[subset] = report.usable.get(subset, 0) + usable
    return report


def _named(
    report: CheckReport, read: Callable[[Path], dict[str, Path]], folder: Path
) -> dict[str, Path]:
    """Return image files by canonical name; two of one name go into the report."""
    try:
        return read(folder)
    except InputError as problem:
        report.error("ambiguous_names", str(problem).rstrip("."), "rename or delete these files")
        return {}


def _note_strange(report: CheckReport, folder: Path, what: str) -> None:
    """Say which image files have another name than those of AR."""
    strange = [
        path.name
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and not has_ar_name(path.name)
    ]
    if strange:
        report.warning(
            "strange_names",
            f"{len(strange)} {what} have no AR name such as m-001-08.png and are passed over: "
            f"{some(strange)}",
        )


def _note_raw(report: CheckReport, root: Path) -> None:
    raw = sorted(root.rglob("*.raw"))
    if raw:
        report.error(
            "raw_photographs",
            f"{len(raw)} photographs are .raw files, which have no header and are not read: "
            f"{some([path.name for path in raw])}",
            "convert the .raw files of AR (768 x 576 pixels, 24 bit) to PNG under the same names",
        )


def _look(
    report: CheckReport, files: dict[str, Path], scan: Scan, what: str
) -> dict[str, ImageFacts]:
    good = note_damaged(report, look_at_images(list(files.values()), scan, what), what)
    return {key: good[path] for key, path in files.items() if path in good}


def _note_missing_photos(
    report: CheckReport, root: Path, photos: dict[str, Path], masks: dict[str, Path]
) -> None:
    missing = sorted(masks.keys() - photos.keys())
    if missing:
        report.error(
            "masks_without_photograph",
            f"{len(missing)} masks have no photograph: {some(missing)}",
            f"put the photographs of AR into {root / IMAGES} (any format but .raw)",
        )


def _note_shapes(
    report: CheckReport, photos: dict[str, ImageFacts], masks: dict[str, ImageFacts]
) -> None:
    other = []
    for key in sorted(photos.keys() & masks.keys()):
        photo, mask = photos[key], masks[key]
        ratio = mask.width * photo.height / (mask.height * photo.width)
        if abs(ratio - 1) > _SAME_SHAPE:
            other.append(key)
    if other:
        report.error(
            "other_shape",
            f"{len(other)} masks have another shape than their photograph, which is perhaps a "
            f"cut-out of AR: {some(other)}",
            "take the photographs of AR as they were published",
        )
    resized = [key for key in photos.keys() & masks.keys() if photos[key] != masks[key]]
    if resized and not other:
        report.warning(
            "other_mask_size",
            f"{len(resized)} masks have another size than their photograph; they are resized",
        )


def _landmarks(
    report: CheckReport, root: Path, wanted: set[str], photos: dict[str, ImageFacts]
) -> dict[str, FloatArray]:
    path = root / LANDMARKS
    landmarks: dict[str, FloatArray] = {}
    for file, points in landmarks_or_note(
        report, path, "AR", root / IMAGES if (root / IMAGES).is_dir() else root
    ).items():
        try:
            landmarks[ar_key(file)] = points
        except InputError as problem:
            report.warning("strange_names", f"{path.name}: {problem}".rstrip("."))
    report.count("images with landmarks", len(landmarks.keys() & wanted))
    if landmarks:
        note_unlisted(report, path, wanted, landmarks.keys())
    note_misplaced(report, path, landmarks, photos)
    return landmarks
