"""Writing the embedded benchmark: one job per person, any number of workers, the same bytes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from focsbench.data.synthetic import ar_writer, celebahq_writer, now_writer
from focsbench.data.synthetic.config import GENERATOR_VERSION, SyntheticConfig
from focsbench.data.synthetic.records import PhotoRecord
from focsbench.errors import InputError
from focsbench.items import Answer, answered, each, local_processes

MANIFEST = "manifest.json"
Job = celebahq_writer.CelebAJob | ar_writer.ARJob | now_writer.NoWJob


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
    draft = root.with_name(root.name + ".partial")
    _make_folders(draft, config)
    fill_benchmark(draft, config, workers)
    if root.exists():
        root.rmdir()
    draft.replace(root)


def fill_benchmark(root: Path, config: SyntheticConfig, workers: int) -> None:
    """Write the benchmark into an existing folder; persons that are finished stay as they are.

    Even one worker is a process of its own: only there is linear algebra surely single-threaded,
    and its last digits depend on the number of threads.
    """
    jobs: list[Job] = [
        *celebahq_writer.plan(config),
        *ar_writer.plan(config),
        *now_writer.plan(config),
    ]
    answers = each(
        "rendering the embedded benchmark",
        [f"{number} {job}" for number, job in enumerate(jobs)],
        partial(_write_person, jobs, root, config),
        local_processes(workers),
    )
    with TemporaryDirectory(prefix=".layout-", dir=root) as scratch:
        _make_layout(Path(scratch), config)  # also what nobody has written to
        for folder in [path for path in Path(scratch).rglob("*") if path.is_dir()]:
            (root / folder.relative_to(scratch)).mkdir(parents=True, exist_ok=True)
    records = [
        PhotoRecord(**{**fields, "landmarks": np.array(fields["landmarks"])})
        for answer in answered(answers)
        for fields in answer.values["records"]
    ]
    lists = _write_lists(root, records, config)
    _write_manifest(root, config, records, lists)


def _make_folders(root: Path, config: SyntheticConfig) -> None:
    """Start with empty folders."""
    try:
        if root.exists():
            shutil.rmtree(root)
        _make_layout(root, config)
    except OSError as error:
        raise InputError(
            f"{root}: cannot be written ({error.strerror}); choose another folder."
        ) from None


def _make_layout(root: Path, config: SyntheticConfig) -> None:
    celebahq_writer.make_folders(root, config)
    ar_writer.make_folders(root)
    now_writer.make_folders(root)


def _write_person(jobs: Sequence[Job], root: Path, config: SyntheticConfig, number: int) -> Answer:
    """Write the files of one person; they are moved to their place when all are there."""
    with TemporaryDirectory(prefix=".person-", dir=root) as folder:
        scratch = Path(folder)
        _make_layout(scratch, config)
        records = _work(jobs[number], scratch, config)
        files = []
        for file in sorted(path for path in scratch.rglob("*") if path.is_file()):
            place = root / file.relative_to(scratch)
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)
            files.append(place)
    fields = [{**vars(record), "landmarks": record.landmarks.tolist()} for record in records]
    return Answer({"records": fields}, files=files)


def _work(job: Job, root: Path, config: SyntheticConfig) -> list[PhotoRecord]:
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
