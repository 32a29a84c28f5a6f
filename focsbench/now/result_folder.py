"""The folder of a result: numbers, tables, error maps, and the file of the official tool."""

from __future__ import annotations

from pathlib import Path

from focsbench.now.distance_files import distance_file, read_distances
from focsbench.now.error_maps import MapJob, draw_error_map
from focsbench.now.evaluate import Request
from focsbench.now.legacy import LegacyResult, legacy_name, write_legacy
from focsbench.now.result import NowResult, write_json
from focsbench.now.tables import write_tables
from focsbench.processes import run_jobs
from focsbench.progress import track
from focsbench.storage import storage_errors

RESULT = "result.json"
ERROR_MAPS = "error_maps"


def write_result_folder(
    request: Request, result: NowResult, folder: Path, workers: int
) -> list[Path]:
    """Complete the folder that :func:`focsbench.now.evaluate.evaluate` has begun.

    ``result.json`` comes first, the pictures last: whatever happens to them, the numbers are safe.

    Returns:
        Files and folders to tell the user about.

    Raises:
        StorageError: if the folder cannot be written.
    """
    with storage_errors(folder):
        write_json(folder / RESULT, result)
        files = [folder / RESULT, *write_tables(result, request.items, folder)]
        if result.images:
            files += _write_legacy(request, result, folder)
            files.append(_draw_maps(request, result, folder, workers))
    return files


def _write_legacy(request: Request, result: NowResult, folder: Path) -> list[Path]:
    keys = {item.file: item.key for item in request.items}
    legacy = LegacyResult(
        distances=tuple(
            read_distances(distance_file(folder, keys[score.image]), score.n)
            for score in result.images
        ),
        # As the official tool counts: images of other challenges are missing too.
        missing=(request.listed or len(request.items)) - len(result.images),
        images=tuple(score.image for score in result.images),
    )
    path = folder / legacy_name(result.method, request.challenge or "")
    return write_legacy(path, legacy)


def _draw_maps(request: Request, result: NowResult, folder: Path, workers: int) -> Path:
    maps = folder / ERROR_MAPS
    maps.mkdir()
    done = {score.image for score in result.images}
    files: dict[str, list[Path]] = {}
    for item in request.items:
        if item.file in done:
            files.setdefault(item.subject, []).append(distance_file(folder, item.key))
    jobs = [
        MapJob(request.dataset, subject, f"{result.method}: {subject}", paths, maps / subject)
        for subject, paths in files.items()
    ]
    ended = run_jobs(draw_error_map, jobs, workers)
    for _, future in track(ended, "draw error maps", total=len(jobs)):
        future.result()
    return maps
