"""The run folder: what may be used as one, what is published, who may be in it."""

from pathlib import Path

import pytest

from focsbench.errors import ConfigError, InputError, StorageError
from focsbench.files import empty_folder, write_atomically
from focsbench.runs.environment import describe_environment
from focsbench.runs.run_folder import RunFolder


def test_new_and_own_folders_are_used(tmp_path):
    run = RunFolder(tmp_path / "deep" / "run")
    run.open()
    with run.publishing():
        run.write_config({"name": "x"}, describe_environment(seed=1, workers=2))
    run.open()
    with run.publishing():
        assert run.read_config() == {"name": "x"}


def test_environment_names_versions_and_processor():
    facts = describe_environment(seed=1, workers=2)
    assert facts["packages"]["numpy"][0].isdigit()
    assert facts["packages"]["focsbench"] == "0.1.0"
    assert "pytest" not in facts["packages"]
    assert facts["processor"]
    assert (facts["seed"], facts["workers"]) == (1, 2)


def test_folders_with_other_files_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ConfigError, match="holds other files"):
        RunFolder(tmp_path).open()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(ConfigError, match="cannot be used as a run folder"):
            RunFolder(folder).open()


def test_read_only_folders_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(ConfigError, match="cannot be written"):
        RunFolder(tmp_path / "r").open()
    with pytest.raises(ConfigError, match="cannot be written"):
        empty_folder(tmp_path / "e")


def test_what_is_not_a_run_is_said(tmp_path):
    with pytest.raises(InputError, match="not a run folder"):
        RunFolder(tmp_path).read_config()
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="not readable as JSON"):
        RunFolder(tmp_path).read_config()
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match="expected an object"):
        RunFolder(tmp_path).read_config()


def test_published_files_are_copied_and_listed(tmp_path):
    run = RunFolder(tmp_path)
    run.open()
    with run.publishing():
        run.write_config({}, {})
        with run.store.writing("report:table1", "k" * 64, {}) as out:
            (out / "sub").mkdir()
            (out / "sub" / "table1.md").write_text("| a |")
        artefact = run.store.find("report:table1", "k" * 64)
        assert run.publish(artefact, run.reports) == [run.reports / "sub" / "table1.md"]
        run.publish(artefact, run.reports)
    older = tmp_path / "artefacts" / "report-table1-000000000000"
    older.mkdir()
    (older / "table1.md").write_text("")
    outside = ["config.json", "environment.json", "files.txt", "reports/sub/table1.md"]
    assert run.write_index([artefact]) == ([tmp_path / name for name in outside], 2)
    assert run.index.read_text().split() == [
        *outside,
        "artefacts/report-table1-kkkkkkkkkkkk/sub/table1.md",
        "artefacts/report-table1-kkkkkkkkkkkk/artefact.json",
    ]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        write_atomically(path, b"new")
    assert Path(path).read_bytes() == b"old"
