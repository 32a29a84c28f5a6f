"""Writing the embedded benchmark: one job per person, any number of workers, the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from focsbench.data.synthetic import ar_writer, celebahq_writer, now_writer
from focsbench.data.synthetic.config import GENERATOR_VERSION, SyntheticConfig
from focsbench.data.synthetic.records import PhotoRecord
from focsbench.errors import InputError
from focsbench.progress import track
from focsbench.threads import KERNELS, LINEAR_ALGEBRA

MANIFEST = "manifest.json"
Job = celebahq_writer.CelebAJob | ar_writer.ARJob | now_writer.NoWJob
_THREAD_LIMITS = (*LINEAR_ALGEBRA, KERNELS)


def write_benchmark(root: Path, config: SyntheticConfig, workers: int) -> None:
    """Write the whole benchmark below ``root``.

    The files are made in ``<root>.partial`` and renamed at the end, so ``root`` is complete or
    absent; left-overs of an interrupted run are removed. ``manifest.json`` says what is in it.

    Args:
        root: a folder that does not exist yet (an empty one is accepted).
        workers: number of processes. It does not change any byte.

    Raises:
        InputError: if ``root`` holds files already or cannot be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(f"{root}: exists already; remove it or choose another folder.")
    partial = root.with_name(root.name + ".partial")
    _make_folders(partial, config)
    jobs: list[Job] = [
        *celebahq_writer.plan(config),
        *ar_writer.plan(config),
        *now_writer.plan(config),
    ]
    results = track(
        _run(jobs, partial, config, workers), "Rendering the embedded benchmark", len(jobs)
    )
    records = [record for person in results for record in person]
    lists = _write_lists(partial, records, config)
    _write_manifest(partial, config, records, lists)
    if root.exists():
        root.rmdir()
    partial.replace(root)


def _make_folders(root: Path, config: SyntheticConfig) -> None:
    """Start with empty folders."""
    try:
        if root.exists():
            shutil.rmtree(root)
        celebahq_writer.make_folders(root, config)
        ar_writer.make_folders(root)
        now_writer.make_folders(root)
    except OSError as error:
        raise InputError(
            f"{root}: cannot be written ({error.strerror}); choose another folder."
        ) from None


def _run(
    jobs: list[Job], root: Path, config: SyntheticConfig, workers: int
) -> Iterator[list[PhotoRecord]]:
    """Yield the records of each job in order.

    Even one worker is a process of its own: only there is linear algebra surely single-threaded,
    and its last digits depend on the number of threads.
    """
    tasks = [(job, root, config) for job in jobs]
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    # Read when the numeric libraries are first imported, which in a spawned process is later.
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        with ProcessPoolExecutor(max(workers, 1), mp_context=get_context("spawn")) as pool:
            yield from pool.map(_work, tasks, chunksize=4)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _work(task: tuple[Job, Path, SyntheticConfig]) -> list[PhotoRecord]:
    job, root, config = task
    if isinstance(job, celebahq_writer.CelebAJob):
        return celebahq_writer.write_person(job, root, config)
    if isinstance(job, ar_writer.ARJob):
        return ar_writer.write_person(job, root, config)
    return now_writer.write_person(job, root, config)


def _write_lists(root: Path, records: list[PhotoRecord], config: SyntheticConfig) -> list[Path]:
    celeba = [record for record in records if record.dataset == celebahq_writer.FOLDER]
    return [
        *celebahq_writer.write_lists(root, celeba, config),
        *ar_writer.write_lists(root, records),
        *now_writer.write_lists(root, records),
    ]


def _write_manifest(
    root: Path, config: SyntheticConfig, records: list[PhotoRecord], lists: list[Path]
) -> None:
    counts: dict[str, int] = {}
    for record in records:
        key = f"{record.dataset}/{record.subset}"
        counts[key] = counts.get(key, 0) + 1
    manifest = {
        "generator_version": GENERATOR_VERSION,
        "seed": config.seed,
        "config": config.model_dump(),
        "counts": dict(sorted(counts.items())),
        "sha256": {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(lists)
        },
    }
    text = json.dumps(manifest, indent=2, sort_keys=True)
    (root / MANIFEST).write_text(text + "\n", encoding="utf-8")
