"""Checkpoints of a training stage: interrupted stages resume to the same losses and weights.

A checkpoint holds the networks, the optimisers, the iteration and the log. Batches and random
numbers are functions of the iteration, so nothing else is needed. It is one file of arrays with a
checksum, written beside its place and renamed: a killed process leaves the old one or the new one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from focsbench.errors import CacheError
from focsbench.face_models.array_cache import read_arrays, write_arrays
from focsbench.files import write_atomically
from focsbench.focs.engine import Stateful

_MARKER = "artefact.txt"


class Checkpoints:
    """The latest checkpoint of one stage, in a folder that outlives an interrupted run.

    folder: of all checkpoints of a run.
    fingerprint: everything that decides the training; a checkpoint of other settings is ignored.
    artefact: folder that will hold the result of the stage, relative to the folder above; once
        it is there, `discard_finished` removes the checkpoint.
    """

    def __init__(self, folder: Path, fingerprint: str, artefact: str | None = None) -> None:
        self._folder = folder / fingerprint[:16]
        self.file = self._folder / "checkpoint.safetensors"
        self._artefact = artefact
        self._parts: dict[str, Stateful] = {}

    def track(self, **parts: Stateful) -> None:
        """Name the networks and optimisers that make up the state."""
        self._parts = parts

    def save(self, progress: Mapping[str, Any]) -> None:
        """Write the state, with JSON values of the loop; replaces the earlier one atomically."""
        self._folder.mkdir(parents=True, exist_ok=True)
        marker = self._folder / _MARKER
        if self._artefact and _marked(marker) != self._artefact:
            write_atomically(marker, self._artefact.encode())
        arrays: dict[str, NDArray[Any]] = {}
        parts = {name: _flatten(part.state_dict(), arrays) for name, part in self._parts.items()}
        write_arrays(self.file, arrays, {"progress": dict(progress), "parts": parts})
        for draft in self._folder.glob(f"{self.file.name}?*"):
            draft.unlink()  # of a process that was killed while it wrote

    def restore(self) -> dict[str, Any]:
        """Load the latest state; return the values of the loop, empty if there is none.

        A checkpoint that cannot be read (the disk filled up, the file was cut) is dropped: the
        stage starts again, which is slower but right.

        Raises:
            CacheError: if it belongs to other networks, which the fingerprint should rule out.
        """
        if not self.file.is_file():
            return {}
        try:
            arrays, facts = read_arrays(self.file)
        except CacheError:
            self.file.unlink()
            return {}
        try:
            for name, part in self._parts.items():
                part.load_state_dict(_unflatten(facts["parts"][name], arrays))
                _lay_out_as_parameters(part)
        except (RuntimeError, KeyError, ValueError) as error:
            raise CacheError(
                f"{self.file}: does not fit the networks of this stage; delete it and run again."
            ) from error
        progress: dict[str, Any] = facts["progress"]
        return progress

    def clear(self) -> None:
        """Forget the checkpoint."""
        shutil.rmtree(self._folder, ignore_errors=True)


def discard_finished(folder: Path) -> None:
    """Remove the checkpoints below a folder whose stages have their results.

    Not done by the stages themselves: until a result is in its place, a killed process may still
    need the checkpoint.
    """
    for marker in folder.glob(f"*/{_MARKER}"):
        artefact = _marked(marker)
        if artefact and (folder.parent / artefact).is_dir():
            shutil.rmtree(marker.parent, ignore_errors=True)


def _marked(marker: Path) -> str:
    """Return the artefact that a marker names; empty if it is not there or cannot be read."""
    try:
        return marker.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def fingerprint(*values: Any, sources: Iterable[Path]) -> str:
    """SHA-256 of JSON values and of the text of all Python files below ``sources``."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for folder in sources:
        for file in sorted(folder.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _lay_out_as_parameters(part: Stateful) -> None:
    """Give the state of an optimiser the memory layout of its parameters.

    Files keep values in order, networks may keep channels last, and the fused Adam walks through
    both as they lie in memory: with different layouts it would pair wrong numbers, silently.
    """
    optimizer = getattr(part, "optimizer", part)  # what wraps one for several devices names it so
    if not isinstance(optimizer, torch.optim.Optimizer):
        return
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            same_shape = isinstance(value, torch.Tensor) and value.shape == parameter.shape
            if same_shape and value.stride() != parameter.stride():
                values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _flatten(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return nested state as JSON values; its tensors go to ``arrays`` and leave their names.

    Dictionaries become pairs, because optimisers number their parameters and JSON has no such
    keys.
    """
    if isinstance(value, torch.Tensor):
        name = str(len(arrays))
        arrays[name] = value.detach().cpu().numpy()
        return {"tensor": name, "shape": list(value.shape)}  # a file keeps no shape ()
    if isinstance(value, Mapping):
        return {"pairs": [[key, _flatten(item, arrays)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_flatten(item, arrays) for item in value]
    return value


def _unflatten(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_unflatten(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "pairs" in value:
        return {key: _unflatten(item, arrays) for key, item in value["pairs"]}
    array = np.array(arrays[value["tensor"]])
    return torch.from_numpy(array).reshape(value["shape"])
