"""Check of NoW: image lists, photographs, validation scans and their landmarks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from focsbench.data.check.files import (
    ImageFacts,
    folders_in,
    look_at_images,
    nested,
    note_archives,
    note_damaged,
)
from focsbench.data.check.lists import landmarks_or_note, note_misplaced, note_unlisted
from focsbench.data.check.report import CheckReport, Scan, some
from focsbench.data.now import LANDMARK_LIST, PHOTO_FOLDERS, NoWItem, photo_folder, read_image_list
from focsbench.errors import InputError
from focsbench.geometry.io import read_landmarks7, read_mesh
from focsbench.geometry.scan_crop import ADULT_EYES_MM, crop_scan, eye_distance
from focsbench.now.scans import find_scan
from focsbench.progress import track

VALIDATION, TEST = "imagepathsvalidation.txt", "imagepathstest.txt"
# now.is.tue.mpg.de: 2,054 photographs of 100 persons; the validation set has 20 of them.
PUBLISHED = {"photographs": 2054, "persons": 100, VALIDATION: 352, TEST: 1702, "scans": 20}
CHALLENGES = {
    "multiview_neutral": 108,
    "multiview_expressions": 114,
    "multiview_occlusions": 86,
    "selfie": 44,
}
SOURCE = "now.is.tue.mpg.de (after registration)"


def check_now(scan: Scan) -> CheckReport:
    """See :func:`focsbench.data.check.check_dataset`."""
    report = CheckReport("NoW", scan.path)
    root = nested(report, scan.path, VALIDATION)
    packed = note_archives(report, root)
    items = _image_list(report, root / VALIDATION)
    if (root / TEST).is_file():
        _image_list(report, root / TEST)
    photos = _photographs(report, root, items, scan, packed=packed)
    subjects = dict.fromkeys(item.subject for item in items)
    scanned = _scans(report, root, list(subjects))
    landmarks = landmarks_or_note(
        report, root / LANDMARK_LIST, "the photographs", photo_folder(root)
    )
    if landmarks:
        wanted = {item.file for item in items}
        report.count("photographs with landmarks", len(wanted & landmarks.keys()))
        note_unlisted(report, root / LANDMARK_LIST, wanted, landmarks.keys())
        note_misplaced(report, root / LANDMARK_LIST, landmarks, photos)
    _usable(report, items, photos, scanned, set(landmarks))
    return report


def _usable(
    report: CheckReport,
    items: Sequence[NoWItem],
    photos: dict[str, ImageFacts],
    scanned: set[str],
    landmarks: set[str],
) -> None:
    """Count by challenge; predictions of one's own need the scans alone."""
    for item in items:
        ready = item.file in photos and item.file in landmarks and item.subject in scanned
        report.usable[item.challenge] = report.usable.get(item.challenge, 0) + ready
    if items and scanned and not any(report.usable.values()):
        whole = sum(item.subject in scanned for item in items)
        report.do(
            f"without photographs and landmarks `focsbench now score` still scores your own "
            f"predictions of {whole} images"
        )


def _image_list(report: CheckReport, path: Path) -> list[NoWItem]:
    try:
        items = read_image_list(path)
    except InputError as problem:
        report.count(f"lines of {path.name}", 0, PUBLISHED[path.name])
        report.error("no_image_list", str(problem).rstrip("."), f"get {path.name} from {SOURCE}")
        return []
    report.count(f"lines of {path.name}", len(items), PUBLISHED[path.name])
    if len(items) != PUBLISHED[path.name]:
        report.warning(
            "other_number",
            f"{path.name} has {len(items)} lines instead of {PUBLISHED[path.name]}, so results "
            "are not comparable with published ones",
        )
    if path.name == VALIDATION:
        found = Counter(item.challenge for item in items)
        for challenge, published in CHALLENGES.items():
            report.count(f"  {challenge}", found[challenge], published)
    return items


def _photographs(
    report: CheckReport, root: Path, items: Sequence[NoWItem], scan: Scan, *, packed: bool
) -> dict[str, ImageFacts]:
    """Return size by line of the image list of the photographs that can be read."""
    folder = photo_folder(root)
    if not folder.is_dir():
        report.count("photographs", 0, PUBLISHED["photographs"])
        step = "" if packed else f"get NoW_Dataset.zip from {SOURCE} and unpack it in {root}"
        report.error("no_photographs", f"there is no folder {PHOTO_FOLDERS[0]} in {root}", step)
        return {}
    everything = [path for path in folder.rglob("*.jpg") if not path.name.startswith(".")]
    report.count("photographs", len(everything), PUBLISHED["photographs"])
    report.count("persons", len(folders_in(folder)), PUBLISHED["persons"])
    files = {item.file: folder / item.file for item in items}
    missing = [file for file, path in files.items() if not path.is_file()]
    if missing:
        report.error(
            "missing_photographs",
            f"{len(missing)} of {len(items)} photographs of {VALIDATION} are missing: "
            f"{some(missing)}",
            f"unpack NoW_Dataset.zip from {SOURCE} again",
        )
    there = {file: path for file, path in files.items() if path.is_file()}
    looked = look_at_images(list(there.values()), scan, "photographs")
    good = note_damaged(report, looked, "photographs")
    return {file: good[path] for file, path in there.items() if path in good}


def _scans(report: CheckReport, root: Path, subjects: Sequence[str]) -> set[str]:
    """Return the persons whose scan and landmarks can be scored."""
    good: set[str] = set()
    problems: dict[str, str] = {}
    for subject in track(subjects, "scans"):
        try:
            problem = _scan_problem(root, subject)
        except InputError as error:
            problem = str(error)
        problem = problem.replace(f"{root}{os.sep}", "")
        if problem:
            problems[subject] = problem
        else:
            good.add(subject)
    report.count("scans with landmarks", len(good), PUBLISHED["scans"])
    report.damaged |= {f"scans/{subject}": problem for subject, problem in problems.items()}
    if problems:
        subject, problem = next(iter(problems.items()))
        report.error(
            "unusable_scans",
            f"{len(problems)} of {len(subjects)} persons have no usable scan, the first is "
            f"{subject}: {problem.rstrip('.')}",
            f"unpack the validation scans and scans_lmks_onlypp from {SOURCE} again",
        )
    return good


def _scan_problem(root: Path, subject: str) -> str:
    mesh_file, landmark_file = find_scan(root, subject)
    landmarks = read_landmarks7(landmark_file)
    eyes = eye_distance(landmarks)
    if not ADULT_EYES_MM[0] <= eyes <= ADULT_EYES_MM[1]:
        return (
            f"{landmark_file}: the outer eye corners are {eyes:.4g} apart, which is no face in "
            "millimetres"
        )
    try:
        crop_scan(read_mesh(mesh_file).vertices, landmarks)
    except ValueError as error:
        return f"{mesh_file}: {error}"
    return ""
