"""Landmarks of all photographs of a folder, as the list that the readers of datasets take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from focsbench.data.landmarks_csv import write_landmarks
from focsbench.data.photo_folder import photo_files
from focsbench.data.photos import IMAGE_SUFFIXES
from focsbench.errors import ConfigError, InputError
from focsbench.landmarks.cache import CachedDetector
from focsbench.landmarks.detectors import open_detector
from focsbench.landmarks.faces import Face, Photo
from focsbench.progress import track
from focsbench.types import FloatArray

NO_FACE = "no face found"
CHUNK = 8  # photographs that a worker gets at once


@dataclass(frozen=True)
class Detected:
    """What was found in a folder.

    landmarks: (68, 2) of the largest face by name relative to the folder, sorted. failures: reason
    by name. several: names with more than one face.
    """

    landmarks: dict[str, FloatArray]
    failures: dict[str, str]
    several: tuple[str, ...]


def photos_of(folder: Path) -> list[Path]:
    """All photographs below a folder, sorted; hidden files and masks are passed over.

    Raises:
        ConfigError: if there is no such folder or no photograph in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; check the path.")
    paths = (folder / file for file in photo_files(folder))
    found = sorted(path for path in paths if path.is_file())
    if not found:
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise ConfigError(
            f"{folder}: holds no image ({kinds}) beside masks and hidden files; check the path."
        )
    return found


def detect_folder(folder: Path, detector: str, weights: Path | None, workers: int) -> Detected:
    """Detect the largest face of every photograph of a folder.

    Answers are kept (`focsbench.landmarks.cache`), so an interrupted call goes on where it stopped.

    Args:
        folder: looked through with its subfolders.
        detector: as for `open_detector`.
        weights: folder of the detector's weights.
        workers: number of processes.

    Raises:
        ConfigError: if the detector cannot be opened or there is no image.
    """
    paths = photos_of(folder)
    landmarks: dict[str, FloatArray] = {}
    failures: dict[str, str] = {}
    several: list[str] = []
    answers = track(_answers(paths, detector, weights, workers), "landmarks", total=len(paths))
    for path, answer in zip(paths, answers, strict=True):
        name = path.relative_to(folder).as_posix()
        if isinstance(answer, str):
            failures[name] = answer
        elif not answer:
            failures[name] = NO_FACE
        else:
            landmarks[name] = answer[0].landmarks
            if len(answer) > 1:
                several.append(name)
    return Detected(landmarks, failures, tuple(several))


def write_list(path: Path, detected: Detected) -> None:
    """Write the landmark list, and beside it ``<name>_failed.csv`` where a photograph failed."""
    write_landmarks(path, detected.landmarks.items())
    failed = failures_file(path)
    if detected.failures:
        lines = [f"{_quoted(name)},{_quoted(why)}\n" for name, why in detected.failures.items()]
        failed.write_text("file,reason\n" + "".join(lines), encoding="utf-8")
    else:
        failed.unlink(missing_ok=True)  # of an earlier call


def failures_file(path: Path) -> Path:
    """Where the photographs without landmarks are listed."""
    return path.with_name(f"{path.stem}_failed.csv")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


Answer = list[Face] | str


def _answers(
    paths: Sequence[Path], detector: str, weights: Path | None, workers: int
) -> Iterator[Answer]:
    """Faces, or the reason why a photograph has none, in the order of the paths."""
    if workers <= 1 or len(paths) < 2 * CHUNK:
        look = _looking(detector, weights)
        yield from map(look, paths)
        return
    open_detector(detector, weights)  # so that errors come from here, in one sentence
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start_worker, (detector, weights)) as pool:
        yield from pool.map(_look, paths, chunksize=CHUNK)


def _looking(detector: str, weights: Path | None) -> Callable[[Path], Answer]:
    found = CachedDetector(open_detector(detector, weights))

    def look(path: Path) -> Answer:
        try:
            return found.faces(Photo(path))
        except InputError as error:
            return str(error)

    return look


_worker: Callable[[Path], Answer] | None = None  # of a worker process


def _start_worker(detector: str, weights: Path | None) -> None:
    global _worker
    _worker = _looking(detector, weights)


def _look(path: Path) -> Answer:
    assert _worker is not None
    return _worker(path)
