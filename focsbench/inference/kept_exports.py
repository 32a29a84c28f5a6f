"""Exported networks kept per user: a folder each, by what is in the network and what exports it.

Those of large networks take a quarter of a gigabyte, and every training makes others, so what
nobody used for a month is deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from focsbench.errors import CacheError
from focsbench.face_models.array_cache import checksum
from focsbench.files import flush_folder, sha256_of, write_json

FILES = "files.json"  # names and SHA-256 of the others; its time is that of the last use
UNUSED_DAYS = 30


def export_key(network: nn.Module, facts: Mapping[str, Any]) -> str:
    """Return a key of the weights, the architecture and further facts (JSON-able)."""
    arrays = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    return checksum(arrays, {**facts, "layers": repr(network)})[:32]


def kept_export(folder: Path, write: Callable[[Path], None]) -> Path:
    """Return the folder of an export; make it if it is missing or damaged.

    It appears complete or not at all: it is written beside its place, flushed and renamed.

    Args:
        folder: its place.
        write: writes the files into an empty folder.

    Raises:
        CacheError: if the cache cannot be written.
        StorageError: if the disk is full once the files are there and their list is written.
    """
    with contextlib.suppress(OSError):  # the first use, or somebody else's folder
        os.utime(folder / FILES)
    if is_intact(folder):
        return folder
    draft: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        write(draft)
        write_json(draft / FILES, {path.name: sha256_of(path) for path in sorted(draft.iterdir())})
        flush_folder(draft)
        _move(draft, folder)
        forget_unused(folder.parent)
    except OSError as error:
        raise CacheError(
            f"{folder}: cannot be written ({error.strerror}); free some space, or set "
            "FOCSBENCH_CACHE to another folder."
        ) from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return folder


def forget_unused(exports: Path) -> None:
    """Delete the exports in a folder that were last used :data:`UNUSED_DAYS` days ago or before.

    So go the drafts of processes that were killed. Other processes may be doing the same.
    """
    oldest = time.time() - UNUSED_DAYS * 24 * 3600
    for folder in exports.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if _last_use(folder) < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def is_intact(folder: Path) -> bool:
    """Say whether a folder holds a complete export with the content that was written."""
    try:
        files = json.loads((folder / FILES).read_bytes())
        return bool(files) and all(
            sha256_of(folder / name) == digest for name, digest in files.items()
        )
    except (OSError, ValueError, RecursionError, AttributeError, TypeError):
        return False


def _last_use(folder: Path) -> float:
    files = folder / FILES
    return (files if files.exists() else folder).stat().st_mtime


def _move(draft: Path, folder: Path) -> None:
    """Put a finished folder in its place, unless another process was faster.

    What stands there may be in use, so it goes only if it is damaged.
    """
    for last in (False, True):
        try:
            draft.rename(folder)
            return
        except OSError:
            if is_intact(folder):
                return
            if last:
                raise
            shutil.rmtree(folder, ignore_errors=True)
