"""Named arrays in one checksummed file: how built face models are kept between runs."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import CacheError

Arrays = dict[str, NDArray[Any]]


def checksum(arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> str:
    """SHA-256 over names, types, shapes and bytes of the arrays and over the facts."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}:{array.dtype.str}:{array.shape}".encode())
        digest.update(array.view(np.uint8).reshape(-1).data if array.size else b"")
    return digest.hexdigest()


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write arrays and JSON-able facts to ``path`` atomically, with their checksum.

    The file appears complete or not at all: it is written under a temporary name in the same
    folder and renamed, so a reader beside us never sees half of it.
    """
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    note = {"facts": facts, "checksum": checksum(contiguous, facts)}
    # One key only: safetensors writes several keys in an order that changes between runs.
    metadata = {"note": json.dumps(note, sort_keys=True)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError as error:
        raise CacheError(
            f"cannot write {path}: {error.strerror}; set FOCSBENCH_CACHE to a writable folder"
        ) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(save(contiguous, metadata=metadata))
            stream.flush()
            os.fsync(stream.fileno())  # before the new name: a power cut must not leave it empty
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise CacheError(f"cannot write {path}: {error.strerror}; free some space") from error


def read_arrays(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read a file of :func:`write_arrays` back and verify it.

    Returns the arrays and the facts. Raises CacheError if the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    damaged = f"{path} is damaged; delete it and it is built again"
    if not path.is_file():
        raise CacheError(f"{path} does not exist; run the command again to build it")
    try:
        with safe_open(path, framework="numpy") as stream:
            metadata = stream.metadata() or {}
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        note = json.loads(metadata.get("note", "null"))
    except (SafetensorError, OSError, ValueError, MemoryError, RecursionError) as error:
        raise CacheError(damaged) from error
    if not isinstance(note, dict) or not isinstance(facts := note.get("facts"), dict):
        raise CacheError(damaged)
    if note.get("checksum") != checksum(arrays, facts):
        raise CacheError(damaged)
    return arrays, facts
