"""Readers and mutated files: a few of each kind, all that was ever found; and the fuzzer itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from zipfile import ZipFile

import pytest
from attacks.harmless import HARMLESS
from attacks.readers import READERS
from fuzz import run
from fuzz.structures import mutate

FUZZ = Path(__file__).parent / "fuzz"
EXECUTIONS = 25
# A reader that does what a file says, and a worker with it in the place of a real one.
PLANTED = """
import os, sys, time
sys.path.insert(0, {tests!r})
from fuzz import worker
from focsbench.errors import InputError

def reader(path):
    match path.read_bytes()[:1]:
        case b"e": raise KeyError("a")
        case b"h":
            while True: pass
        case b"m": bytearray(1 << 30)
        case b"o": open("/etc/hostname").close()
        case b"p": os.system("true")
        case b"t": raise InputError("no name")
        case b"c": os.abort()

worker.READERS["run_config"] = reader
worker.mutate = lambda data, rng, others: rng.choice({inputs!r})
worker.SECONDS = 0.2
worker.main()
"""


def worker(script, folder, *arguments):
    """Lines of a worker that has ended well."""
    folder.mkdir()
    ended = subprocess.run(
        [sys.executable, script, folder, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_readers_refuse_mutated_files_and_all_that_was_found(tmp_path):
    arguments = ["--executions", EXECUTIONS, "--replay", *READERS]
    lines = worker(FUZZ / "worker.py", tmp_path / "work", *arguments)
    assert [line for line in lines if "state" not in line] == []
    states = {line["state"]["target"]: line["state"] for line in lines}
    assert set(states) == set(READERS)
    for state in states.values():
        assert state["executions"] >= EXECUTIONS
        assert state["accepted"] + sum(state["refused"].values()) == state["executions"]


def test_what_was_found_belongs_to_a_reader():
    names = {case.name for case in HARMLESS}
    assert {path.name for path in (FUZZ / "found").iterdir() if path.is_dir()} <= names


def planted(folder, inputs):
    script = folder / "planted.py"
    script.write_text(PLANTED.format(tests=str(FUZZ.parent), inputs=inputs))
    return script


def test_every_kind_of_finding_is_seen(tmp_path):
    kinds = {b"e": "error", b"h": "hang", b"m": "memory", b"o": "outside", b"p": "payload",
             b"t": "message"}  # fmt: skip
    script = planted(tmp_path, [*kinds, b"{}"])
    lines = worker(script, tmp_path / "work", "run_config", "--executions", 60)
    found = [line for line in lines if "state" not in line]
    assert {line["kind"] for line in found} == set(kinds.values())
    for line in found:
        assert kinds[Path(line["file"]).read_bytes()] == line["kind"]
        assert line["kind"] in Path(f"{line['file']}.txt").read_text()


def test_a_crash_is_kept_and_the_target_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "WORKER", planted(tmp_path, [b"c"]))
    monkeypatch.setattr(run, "MOST_RESTARTS", 2)
    total = run.fuzz_target("run_config", 60, 0, tmp_path)
    assert total.findings == {"crash": 2}
    (kept,) = [path for path in (tmp_path / "run_config").iterdir() if not path.suffix]
    assert kept.read_bytes() == b"c"


@pytest.mark.parametrize("case", HARMLESS, ids=lambda case: case.name)
def test_mutations_repeat_and_are_many(case, tmp_path):
    path = tmp_path / case.file
    path.parent.mkdir(parents=True, exist_ok=True)
    case.make(path)
    data = path.read_bytes()
    first, again = ([mutate(data, rng) for _ in range(20)] for rng in (Random(0), Random(0)))
    assert first == again
    assert len({*first, data}) > 15


def test_archives_stay_archives_of_other_members(tmp_path):
    case = next(case for case in HARMLESS if case.name == "npz")
    path = tmp_path / case.file
    case.make(path)
    data, rng, changed = path.read_bytes(), Random(0), 0
    members = ZipFile(path).namelist()
    for number in range(30):
        copy = tmp_path / f"{number}.npz"
        copy.write_bytes(mutate(data, rng))
        try:
            with ZipFile(copy) as archive:
                changed += archive.testzip() is None and archive.namelist() != members
        except Exception:  # noqa: BLE001 - other mutations damage the archive itself
            continue
    assert changed > 3
