"""Files that are either old or new, never torn."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from focsbench.errors import ConfigError
from focsbench.storage import storage_error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes, *, flushed: bool = True) -> None:
    """Write a file beside its place, flush it to the disk and move it there in one step.

    Args:
        path: of the file; its folder exists.
        content: of the file.
        flushed: False where many files are written and :func:`flush_folder` follows.

    Raises:
        StorageError: if the disk is full or the folder cannot be written; the old file stays.
    """
    draft = _draft_of(path)
    try:
        with draft.open("wb") as file:
            file.write(content)
            if flushed:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise _undone(draft, error) from error


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_drafts(folder: Path, *below: str) -> None:
    """Delete what killed processes left of files that they were writing into a folder.

    Args:
        folder: nobody else may be writing into it.
        *below: patterns of further folders, relative to it.
    """
    for place in ("", *(f"{pattern}/" for pattern in below)):
        for draft in folder.glob(f"{place}.*.tmp"):
            draft.unlink(missing_ok=True)


def flush_folder(folder: Path, without: str = "") -> None:
    """Flush all files and folders below a folder to the disk.

    Args:
        folder: with everything in it.
        without: name of a folder in it that is left out, because it is about to go.
    """
    from concurrent.futures import ThreadPoolExecutor

    kept = [path for path in folder.iterdir() if path.name != without]
    plain = [folder, *(path for path in kept if not path.is_symlink())]
    plain += [p for top in plain[1:] for p in top.rglob("*") if not p.is_symlink()]
    # A journal is written once for all that wait for it, so many wait at the same time.
    with ThreadPoolExecutor(min(16, len(plain))) as pool:
        list(pool.map(flush, plain))


def flush(path: Path) -> None:
    """Flush one file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _undone(draft: Path, error: OSError) -> Exception:
    """Remove a draft that could not be finished; return what to raise."""
    with suppress(OSError):
        draft.unlink()
    return storage_error(error, draft.parent) or error


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people and programs: indented, UTF-8, no NaN."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def copy_if_changed(source: Path, target: Path) -> None:
    """Copy a file by :func:`write_atomically` unless the target has the same bytes already."""
    if (
        target.is_file()
        and target.stat().st_size == source.stat().st_size
        and sha256_of(target) == sha256_of(source)
    ):
        return
    write_atomically_from(source, target)


def write_atomically_from(source: Path, target: Path) -> None:
    """Copy a file as :func:`write_atomically` writes one, creating its folder."""
    draft = _draft_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, draft)
        flush(draft)
        draft.replace(target)
    except OSError as error:
        raise _undone(draft, error) from error


def writable_file(path: Path, option: str) -> Path:
    """Create the folder of a file that will be written, and return the path of the file.

    Args:
        path: of the file, which may exist.
        option: of the command line that named it.

    Raises:
        ConfigError: if the folder cannot be created or written, or the path is a folder.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror}); choose another {option}."
        ) from None
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"{path}: cannot be written; choose another {option}.")
    return path


def empty_folder(path: Path) -> Path:
    """Create a folder and return it.

    Raises:
        ConfigError: if it cannot be created or written, or already holds something.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        filled = any(path.iterdir())
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror}); choose another folder."
        ) from None
    if filled:
        raise ConfigError(f"{path}: this folder is not empty; choose another folder.")
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(f"{path}: cannot be written; choose another folder.")
    return path
