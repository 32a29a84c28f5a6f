"""``focsbench weights``: what people read, and the exit codes."""

import pytest
from dlib_support import recognition_network
from typer.testing import CliRunner

from focsbench.cli.main import app
from focsbench.errors import CacheError, InputError


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))

    def command(*arguments):
        return CliRunner().invoke(app, ["weights", *map(str, arguments)])

    return command


def test_import_list_and_verify(run, tmp_path):
    good, bad = tmp_path / "face.dat", tmp_path / "page.pth"
    good.write_bytes(recognition_network())  # random numbers
    bad.write_text("<html>")
    result = run("import", good, bad)
    assert result.exit_code == 2
    assert "dlib: dlib's face recognition ResNet, 5,607,488 numbers" in result.output
    assert "licence: CC0-1.0" in result.output
    assert "page.pth: not readable as weights of torch" in result.output
    listed = run("list")
    assert listed.exit_code == 0
    assert "sha256" in listed.output
    assert "source face.dat" in listed.output
    assert "--set method.changes.recognition.weights=dlib" in listed.output
    assert run("verify").output == "dlib: as imported\n"
    (tmp_path / "cache" / "weights" / "dlib.safetensors").write_bytes(b"other")
    altered = run("verify", "dlib")
    assert (altered.exit_code, altered.output) == (2, "dlib: altered\n")
    assert isinstance(run("verify", "else").exception, CacheError)


def test_a_single_file_that_cannot_be_imported_fails_the_command(run, tmp_path):
    path = tmp_path / "page.pth"
    path.write_text("<html>")
    assert isinstance(run("import", path).exception, InputError)
    assert run("import", path, path).exit_code == 1
