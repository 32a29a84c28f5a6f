"""Checkpoints of a training stage: interrupted stages resume to the same losses.

A checkpoint holds the networks, the optimisers, the iteration and the log. Batches and random
numbers are functions of the iteration, so nothing else is needed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import torch


class Stateful(Protocol):
    """Networks and optimisers: anything with a state dict."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


class Checkpoints:
    """The latest checkpoint of one stage, in a folder that outlives an interrupted run.

    folder: removed by `clear` when the stage is done.
    fingerprint: everything that decides the training; a checkpoint of other settings is ignored.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder / fingerprint[:16]
        self._file = self._folder / "checkpoint.pt"
        self._parts: dict[str, Stateful] = {}

    def track(self, **parts: Stateful) -> None:
        """Name the networks and optimisers that make up the state."""
        self._parts = parts

    def save(self, iteration: int, log: list[dict[str, float]]) -> None:
        """Write the state after ``iteration`` iterations; replaces the earlier one atomically."""
        self._folder.mkdir(parents=True, exist_ok=True)
        state = {name: part.state_dict() for name, part in self._parts.items()}
        draft = self._file.with_suffix(".tmp")
        torch.save({"iteration": iteration, "log": log, "parts": state}, draft)
        draft.replace(self._file)

    def restore(self) -> tuple[int, list[dict[str, float]]]:
        """Load the latest state; return (iterations done, log), (0, []) if there is none.

        A checkpoint that cannot be read (the disk filled up, the file was cut) is dropped: the
        stage starts again, which is slower but right.
        """
        if not self._file.is_file():
            return 0, []
        try:
            state = torch.load(self._file, weights_only=True)
            for name, part in self._parts.items():
                part.load_state_dict(state["parts"][name])
        except (OSError, EOFError, RuntimeError, KeyError, ValueError):
            self._file.unlink()
            return 0, []
        return int(state["iteration"]), list(state["log"])

    def clear(self) -> None:
        """Forget the checkpoint of a finished stage."""
        shutil.rmtree(self._folder, ignore_errors=True)


def fingerprint(*values: Any, sources: Iterable[Path]) -> str:
    """SHA-256 of JSON values and of the text of all Python files below ``sources``."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for folder in sources:
        for file in sorted(folder.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
