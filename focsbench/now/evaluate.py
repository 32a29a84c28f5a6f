"""All images of an image list, shared out over worker processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.data.encoding import npy_bytes
from focsbench.data.now import NoWItem
from focsbench.errors import InputError, StorageError
from focsbench.files import write_atomically
from focsbench.geometry.scan_alignment import AlignmentMode
from focsbench.metrics.scan_distance import distance_statistics
from focsbench.now.distance_files import distance_file, read_distances
from focsbench.now.opened import opened
from focsbench.now.pair import score_pair
from focsbench.now.result import Group, ImageScore, NowResult, summarise_group
from focsbench.now.rules import protocol_data
from focsbench.now.scans import cropped_scan, find_scan
from focsbench.now.warm_up import warm_up
from focsbench.processes import reason_of, run_jobs
from focsbench.progress import track
from focsbench.storage import storage_error

SCANS = "scans"


@dataclass(frozen=True)
class Request:
    """What is evaluated, and how.

    predictions: folder in the official form or as ``focsbench.data.predictions`` describes it.
    dataset: root folder of NoW (scans and their landmarks).
    items: the images, in the order of the list.
    method: name in the result.
    metrical_unit: m, cm or mm; mm_per_unit: its size. None for the evaluation without scale.
    challenge: the one that the items are restricted to, if any.
    listed: lines of the whole image list, those of other challenges included; 0: the items.
    """

    predictions: Path
    dataset: Path
    items: Sequence[NoWItem]
    method: str
    mode: AlignmentMode = "official"
    metrical_unit: str | None = None
    mm_per_unit: float | None = None
    challenge: str | None = None
    listed: int = 0


@dataclass(frozen=True)
class _Job:
    """One image as a worker process is told; the distances go to a file."""

    item: NoWItem
    predictions: Path
    dataset: Path
    mm_per_unit: float | None
    mode: AlignmentMode
    target: Path


def evaluate(request: Request, folder: Path, workers: int) -> NowResult:
    """Score all images.

    Writes ``distances/<subject>/<challenge>/<image>.npy`` ((N,) float64 mm, in the order of the
    cropped scan vertices) and ``scans/<subject>.npy`` ((N,) int64, their numbers in the scan)
    into the existing folder. An image without a score is missing with its reason; it stops no
    other. The number of workers changes no byte, except of the CPU times.

    Raises:
        StorageError: if distances cannot be written: no image is to blame, the rest would fail
            alike.
    """
    jobs = [
        _Job(
            item,
            request.predictions,
            request.dataset,
            request.mm_per_unit,
            request.mode,
            distance_file(folder, item.key),
        )
        for item in request.items
    ]
    # A worker keeps the scan it has read last, so the images of a subject follow each other.
    order = sorted(range(len(jobs)), key=lambda number: (jobs[number].item.subject, number))
    scores: dict[str, ImageScore] = {}
    reasons: dict[str, str] = {}
    # Closed before an error leaves: the folder may go, and no worker may write into it then.
    with closing(run_jobs(_score_job, [jobs[number] for number in order], workers)) as ended:
        for place, future in track(ended, f"score {request.method}", total=len(jobs)):
            line = jobs[order[place]].item.file
            error = future.exception()
            if isinstance(error, StorageError):
                raise error
            if error is None:
                scores[line] = future.result()
            else:
                reasons[line] = reason_of(error)
    _write_vertices(request, scores, folder / SCANS)
    return _collect(request, scores, reasons, folder)


def _score_job(job: _Job) -> ImageScore:
    """Score one image in a worker process; InputError where there is no score."""
    warm_up()
    folder = opened(job.predictions)
    scan = cropped_scan(*_scan_files(job.dataset, job.item.subject))
    try:
        pair = score_pair(folder, job.item.key, scan, mm_per_unit=job.mm_per_unit, mode=job.mode)
    except InputError as error:
        raise InputError(folder.relative(str(error))) from None
    _save(job.target, pair.distances)
    statistics = distance_statistics([pair.distances])
    return ImageScore(
        image=job.item.file,
        n=statistics.n,
        median=statistics.median,
        mean=statistics.mean,
        std=statistics.std,
        iterations=pair.steps,
        sum_of_squares=pair.sum_of_squares,
        cpu_seconds=pair.cpu_seconds,
        warnings=tuple(str(finding) for finding in pair.findings),
    )


@cache
def _scan_files(dataset: Path, subject: str) -> tuple[Path, Path]:
    return find_scan(dataset, subject)


def _write_vertices(request: Request, scores: Mapping[str, ImageScore], folder: Path) -> None:
    subjects = dict.fromkeys(item.subject for item in request.items if item.file in scores)
    for subject in subjects:
        scan = cropped_scan(*find_scan(request.dataset, subject))
        _save(folder / f"{subject}.npy", scan.vertices.astype(np.int64))


def _save(path: Path, array: NDArray[Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, npy_bytes(array), flushed=False)
    except OSError as error:
        raise storage_error(error, path.parent) or StorageError(
            f"{path}: cannot be written ({error.strerror}); choose another folder."
        ) from error


def _collect(
    request: Request, scores: Mapping[str, ImageScore], reasons: Mapping[str, str], folder: Path
) -> NowResult:
    """Put scores and reasons into the order of the list, and summarise the groups."""

    # Every image is in three groups; all distances of a validation set take about 140 MB.
    distances = {
        item.file: read_distances(distance_file(folder, item.key), scores[item.file].n)
        for item in request.items
        if item.file in scores
    }

    def group(items: Sequence[NoWItem]) -> Group:
        done = [item.file for item in items if item.file in scores]
        found = [distances[line] for line in done]
        return summarise_group(len(items), [scores[line] for line in done], found)

    def groups(name: Callable[[NoWItem], str]) -> dict[str, Group]:
        names = dict.fromkeys(map(name, request.items))
        return {
            one: group([item for item in request.items if name(item) == one])
            for one in track(names, "summarise")
        }

    return NowResult(
        method=request.method,
        mode=request.mode,
        metrical_unit=request.metrical_unit,
        images=tuple(scores[item.file] for item in request.items if item.file in scores),
        missing={item.file: reasons[item.file] for item in request.items if item.file in reasons},
        overall=group(request.items),
        challenges=groups(lambda item: item.challenge),
        subjects=groups(lambda item: item.subject),
        protocol=protocol_data(request.metrical_unit is not None, request.mode),
    )
