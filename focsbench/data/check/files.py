"""Looking at files: is an image whole, where is a folder, what was left packed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from focsbench.data.check.report import CheckReport, Scan, some
from focsbench.data.image_files import image_size
from focsbench.data.photos import open_image
from focsbench.errors import InputError
from focsbench.processes import reason_of, run_jobs
from focsbench.progress import track

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zipx")
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".aria2")
_CHUNK = 400  # files that one job looks at
_FEW = 2000  # files that are looked at before worker processes have started
_TAIL = 64
_PNG_END = b"IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"


@dataclass(frozen=True)
class ImageFacts:
    """Width and height in pixels, or why an image cannot be used."""

    width: int = 0
    height: int = 0
    problem: str = ""


def look_at_images(paths: Sequence[Path], scan: Scan, task: str) -> dict[Path, ImageFacts]:
    """Return what each image file is, in the order given.

    A file counts as whole if its header can be read and its format's end mark stands at its end;
    where that mark is missing, or ``scan.decode`` asks for it, all of it is decoded.
    """
    chunks = [(tuple(paths[i : i + _CHUNK]), scan.decode) for i in range(0, len(paths), _CHUNK)]
    found: dict[int, list[ImageFacts]] = {}
    if scan.workers <= 1 or len(paths) < _FEW:
        results = ((number, _look(chunk)) for number, chunk in enumerate(chunks))
    else:
        jobs = run_jobs(_look, chunks, scan.workers)
        results = (
            (number, job.result() if job.exception() is None else _lost(chunks[number], job))
            for number, job in jobs
        )
    for number, facts in track(results, task, total=len(chunks)):
        found[number] = facts
    ordered = [facts for number in sorted(found) for facts in found[number]]
    return dict(zip(paths, ordered, strict=True))


def note_damaged(
    report: CheckReport, looked: dict[Path, ImageFacts], what: str
) -> dict[Path, ImageFacts]:
    """Put unreadable images into the report; return the others."""
    bad = {path: facts.problem for path, facts in looked.items() if facts.problem}
    for path, problem in bad.items():
        report.damaged[_inside(report.path, path)] = problem
    if bad:
        names = [_inside(report.path, path) for path in bad]
        report.error(
            f"damaged_{what.replace(' ', '_')}",
            f"{len(bad)} of {len(looked)} {what} are damaged or cut off: {some(names)}",
            f"get the damaged {what} again (the list is in the JSON report)",
        )
    return {path: facts for path, facts in looked.items() if not facts.problem}


def note_archives(report: CheckReport, folder: Path) -> bool:
    """Say which archives lie in a folder, if any; they may be what is missing."""
    packed = [path for path in files_in(folder) if path.suffix.lower() in ARCHIVES]
    if packed:
        names = some([path.name for path in packed])
        report.warning("packed", f"{names} in {folder} is packed", f"unpack {names} in {folder}")
    cut = [path.name for path in files_in(folder) if path.suffix.lower() in UNFINISHED]
    if cut:
        report.warning("unfinished", f"{some(cut)} in {folder} is half a download", "finish it")
    return bool(packed)


def find_folder(path: Path, marker: str, depth: int = 2) -> Path | None:
    """Return the folder at or a few levels below ``path`` that has ``marker`` in it."""
    level = [path]
    for _ in range(depth + 1):
        for folder in level:
            if (folder / marker).exists():
                return folder
        level = [child for folder in level for child in folders_in(folder)]
    return None


def nested(report: CheckReport, path: Path, marker: str) -> Path:
    """Return the folder that is meant: ``path``, or one below it, which the report then says."""
    found = find_folder(path, marker)
    if found is None or found == path:
        return path
    report.path = found
    report.error(
        "wrong_folder",
        f"{marker} is not in {path} but in {found}",
        f"name {found} as the folder of the dataset",
    )
    return found


def files_in(folder: Path) -> list[Path]:
    """Return the files directly in a folder, sorted; hidden ones and an absent folder give none."""
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_file())


def folders_in(folder: Path) -> list[Path]:
    """Return the folders directly in a folder, sorted."""
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_dir())


def _entries(folder: Path) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:  # not there, or not for us to read: the report counts nothing
        return []


def _inside(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _lost(chunk: tuple[tuple[Path, ...], bool], job: object) -> list[ImageFacts]:
    reason = reason_of(job.exception())  # type: ignore[attr-defined]
    return [ImageFacts(problem=reason) for _ in chunk[0]]


def _look(chunk: tuple[tuple[Path, ...], bool]) -> list[ImageFacts]:
    paths, decode = chunk
    return [_facts(path, decode) for path in paths]


def _facts(path: Path, decode: bool) -> ImageFacts:
    try:
        width, height = image_size(path)
        if decode or not _ends_well(path):
            open_image(path, "RGB")
    except InputError as problem:
        if path.is_file() and path.stat().st_size == 0:
            return ImageFacts(problem="the file is empty")
        return ImageFacts(problem=str(problem).removeprefix(f"{path}: "))
    return ImageFacts(width, height)


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(file.tell() - _TAIL, 0))
        tail = file.read()
    return _PNG_END in tail or tail.rstrip(b"\0").endswith(_JPEG_END)
