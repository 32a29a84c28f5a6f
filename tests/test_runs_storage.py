"""A full disk or a read-only folder ends a run in one sentence, and nothing is lost."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import kill_toys
import pytest
from kill_support import LOG, damaged, done_again, files_of, left_over
from runs_support import statuses

from focsbench.errors import StorageError
from focsbench.journal import Journal
from focsbench.runs.executor import Executor
from focsbench.runs.logs import logging_to
from focsbench.runs.run_folder import RunFolder
from focsbench.runs.store import Store

resource = pytest.importorskip("resource", reason="needs limits of the system")


def run(root: Path, bytes_per_file: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the toys, perhaps where no file may get longer than so many bytes."""
    limits = (bytes_per_file, bytes_per_file)
    limit = bytes_per_file and partial(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
    command = [sys.executable, kill_toys.__file__, root, "1"]
    return subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, timeout=120)


def test_the_system_refuses_to_write_in_the_middle_of_a_step(tmp_path, monkeypatch):
    calm, full = tmp_path / "calm", tmp_path / "full"
    assert run(calm).returncode == 0
    refused = run(full, 600)  # photographs have 500 bytes, the notes on all of them have more
    assert refused.returncode == 1, refused.stderr
    first, *others = refused.stdout.splitlines()
    assert first.startswith("data failed ")
    assert "because the disk is full (File too large); free some space and give" in first
    assert [line.split()[1] for line in others] == ["skipped"] * 3
    (draft,) = full.glob("artefacts/.partial-data-*")
    kept = len(Journal(draft).read("photographs"))
    assert 0 < kept < kill_toys.ITEMS["data"]
    monkeypatch.setenv(LOG, str(tmp_path / "items.tsv"))
    assert run(full).returncode == 0
    assert done_again(tmp_path / "items.tsv").items == sum(kill_toys.ITEMS.values()) - kept
    assert files_of(full) == files_of(calm)
    assert damaged(Store(full / "artefacts"), kill_toys.plan()) == []
    assert left_over(full) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_log_that_does_not_fit_ends_no_run(tmp_path):
    (tmp_path / "log.txt").symlink_to("/dev/full")
    with logging_to(tmp_path / "log.txt"):
        logging.getLogger("focsbench").warning("nobody will read this")
    assert "nobody" in (tmp_path / "log.jsonl").read_text()


@pytest.mark.parametrize("place", ["lock", "draft", "result"])
def test_a_read_only_file_system_is_said_once(toys, store, monkeypatch, place):
    """Root may write wherever permissions forbid it, so the system's answer is made up here."""
    plan = toys.plan()
    run = Executor(store, workers=1).run

    def refuse(*_arguments, **_options):
        path = str(store.root / "somewhere")
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    target = {
        "lock": "filelock.FileLock.acquire",
        "draft": "tempfile.mkdtemp",
        "result": "focsbench.runs.store._publish",
    }[place]
    with monkeypatch.context() as patch:
        patch.setattr(target, refuse)
        outcome = run(plan)
    assert set(statuses(outcome).values()) <= {"failed", "skipped"}
    reasons = {step.reason for step in outcome.steps}
    assert len(reasons) == 1
    assert reasons.pop().startswith(
        f"{store.root / 'somewhere'}: cannot be written (Read-only file system); change the "
    )
    assert set(statuses(run(plan)).values()) == {"done"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("place", [".", "artefacts", "artefacts/.locks"])
def test_forbidden_folders_are_named(toys, tmp_path, place):
    run = RunFolder(tmp_path / "run")
    run.open()
    Executor(run.store, workers=1).run(toys.plan())
    folder = run.root / place
    folder.chmod(0o555)
    try:
        outcome = Executor(run.store, workers=1).run(toys.plan(number=1))
    finally:
        folder.chmod(0o755)
    if place != ".":
        assert "cannot be written (Permission denied)" in outcome.steps[1].reason
    assert statuses(outcome)["a"] == "cached"


def test_what_is_beside_the_artefacts_is_said_as_well(tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "run")
    run.open()

    def refuse(lock, *_arguments, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), lock.lock_file)

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(StorageError, match=r"\.lock: cannot be written \(Read-only"):
        run.write_config({}, {})
    (run.store.root / ".partial-a-12345678").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"a: cannot be written \(Read-only"):
        run.store.clean()


def test_drafts_of_killed_processes_go(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.open()
    drafts = [
        run.root / ".config.json.1.tmp",
        run.root / "reports" / "pictures" / ".a.png.1.tmp",
        run.root / "seed-0" / "reports" / ".b.md.1.tmp",
        run.store.root / ".sources" / ".c.json.1.tmp",
    ]
    for draft in drafts:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text("ha")
    run.open()
    run.write_config({}, {})
    assert [draft for draft in drafts if draft.exists()] == []
    assert run.read_config() == {}
