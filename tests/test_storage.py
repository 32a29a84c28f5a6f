"""Which errors mean a full disk, and which may pass."""

import errno
import os

import pytest

from focsbench.errors import InputError, StorageError
from focsbench.files import write_atomically
from focsbench.storage import may_pass, patiently, storage_error


def raised(function):
    try:
        function()
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError


def wrapped():
    try:
        raise OSError(errno.ESTALE, "Stale file handle", "photo.jpg")
    except OSError as error:
        raise InputError(f"photo.jpg: not readable ({error}).") from None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_disks_are_named(tmp_path, number):
    error = storage_error(OSError(number, os.strerror(number)), tmp_path)
    assert isinstance(error, StorageError)
    assert str(error).startswith(f"{tmp_path}: cannot be written, because the disk is full")
    # As libraries wrap it that are written in other languages.
    text = f"I/O error: {os.strerror(number)} (os error {number})"
    assert storage_error(RuntimeError(text), tmp_path) is not None


def test_forbidden_counts_only_inside_the_folder(tmp_path):
    inside = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "a"))
    outside = PermissionError(errno.EACCES, "Permission denied", "/somewhere/else")
    assert "cannot be written (Permission denied)" in str(storage_error(inside, tmp_path))
    assert storage_error(outside, tmp_path) is None
    readonly = OSError(errno.EROFS, "Read-only file system", str(tmp_path / "a"))
    assert "Read-only" in str(storage_error(readonly, tmp_path))
    assert storage_error(ValueError("a bug"), tmp_path) is None


def test_what_may_pass():
    assert may_pass(OSError(errno.EIO, "Input/output error"))
    assert may_pass(raised(wrapped))
    assert not may_pass(FileNotFoundError(errno.ENOENT, "No such file"))
    assert not may_pass(InputError("photo.jpg: not an image."))


def test_patience_ends(monkeypatch):
    monkeypatch.setattr("focsbench.storage.PAUSES", (0.0, 0.0))
    calls = []

    def broken(number):
        calls.append(number)
        wrapped()

    with pytest.raises(InputError):
        patiently(broken, 1)
    assert len(calls) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and file size limits")
def test_a_real_limit_of_the_system_leaves_the_old_file(tmp_path):
    """The child may write 1000 bytes per file: the system itself refuses, in the middle."""
    import resource
    import signal

    path = tmp_path / "results.csv"
    write_atomically(path, b"old")
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomically(path, bytes(5000))
        except StorageError as error:
            os._exit(0 if "disk is full" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["results.csv"]
