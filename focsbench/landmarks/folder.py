"""Landmarks of all photographs of a folder, as the list that the readers of datasets take."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from focsbench.data.landmarks_csv import write_landmarks
from focsbench.data.photo_folder import photo_files
from focsbench.data.photos import IMAGE_SUFFIXES
from focsbench.errors import ConfigError, FocsbenchError
from focsbench.landmarks.cache import CachedDetector
from focsbench.landmarks.detectors import open_detector
from focsbench.landmarks.faces import Face, Photo
from focsbench.processes import reason_of, run_jobs
from focsbench.progress import track
from focsbench.types import FloatArray

NO_FACE = "no face found"
FEW = 16  # photographs that are looked at before worker processes have started

log = logging.getLogger(__name__)


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
        Exception: what nobody foresaw, if no photograph had an answer: the fault is not theirs.
    """
    paths = photos_of(folder)
    landmarks: dict[str, FloatArray] = {}
    failures: dict[str, str] = {}
    several: list[str] = []
    unforeseen: list[BaseException] = []
    ended = _answers(paths, detector, weights, workers)
    answers = dict(track(ended, "landmarks", total=len(paths)))
    for number, path in enumerate(paths):
        name, answer = path.relative_to(folder).as_posix(), answers[number]
        if isinstance(answer, BaseException):
            failures[name] = reason_of(answer)
            if not isinstance(answer, (FocsbenchError, BrokenExecutor)):
                log.error("%s: the detector failed", path, exc_info=answer)
                unforeseen.append(answer)
        elif not answer:
            failures[name] = NO_FACE
        else:
            landmarks[name] = answer[0].landmarks
            if len(answer) > 1:
                several.append(name)
    if unforeseen and all(isinstance(answer, BaseException) for answer in answers.values()):
        raise unforeseen[0]
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


Answer = list[Face] | BaseException


def _answers(
    paths: Sequence[Path], detector: str, weights: Path | None, workers: int
) -> Iterator[tuple[int, Answer]]:
    """Yield the number of each photograph with its faces, or with what kept them from being found.

    The order is that in which the answers come.
    """
    found = open_detector(detector, weights)  # so that errors come from here, in one sentence
    if workers <= 1 or len(paths) < FEW:
        cached = CachedDetector(found)
        yield from ((number, _answer(cached, path)) for number, path in enumerate(paths))
        return
    del found  # the workers have their own
    for number, future in run_jobs(partial(_look, detector, weights), paths, workers):
        yield number, future.exception() or future.result()


def _answer(detector: CachedDetector, path: Path) -> Answer:
    try:
        return detector.faces(Photo(path))
    except Exception as error:  # noqa: BLE001 - detectors of others may fail in any way
        return error


def _look(detector: str, weights: Path | None, path: Path) -> list[Face]:
    """Look at a photograph in a worker process."""
    return _opened(detector, weights).faces(Photo(path))


@cache
def _opened(detector: str, weights: Path | None) -> CachedDetector:
    return CachedDetector(open_detector(detector, weights))
