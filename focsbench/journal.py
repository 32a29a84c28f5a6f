"""The finished items of a step that may be interrupted, beside its files.

``<step>/.items/<host>-<process>.jsonl`` has a line per item, with a checksum of itself and of
every file the item wrote: a line or file that is torn, or was lost with the power, is an item that
is done again. Every process appends to a file of its own, so shared folders need no locks. The
journal goes when the step is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focsbench.files import sha256_of
from focsbench.items import JOURNAL, Answer, array_bytes


@dataclass(frozen=True)
class Journal:
    """Notes and reads finished items.

    root: folder of the step, whose files the items write.
    """

    root: Path

    def tidy(self) -> None:
        """Delete what an interrupted step left beside its finished items."""
        wanted = {self.root / name for line in self._lines() for name in line["files"]}
        for path in sorted(self.root.rglob("*"), reverse=True):
            if path in wanted or path.is_relative_to(self._folder):
                continue
            if path.is_symlink() or not path.is_dir():
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()

    def note(self, task: str, name: str, answer: Answer) -> None:
        """Note an item as finished; its files are on the disk already."""
        files = {path.relative_to(self.root).as_posix(): sha256_of(path) for path in answer.files}
        line: dict[str, Any] = {
            "task": task,
            "name": name,
            "values": answer.values,
            "arrays": self._write_arrays(task, name, answer),
            "files": files,
        }
        line["check"] = _checksum(line)
        self._folder.mkdir(exist_ok=True)
        own = self._folder / f"{platform.node()}-{os.getpid()}.jsonl"
        with own.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")

    def read(self, task: str) -> dict[str, Answer]:
        """Return the finished items of a task by name."""
        answers = {}
        for line in self._lines():
            if line["task"] == task and self._intact(line):
                answers[line["name"]] = Answer(
                    line["values"],
                    self._read_arrays(line["arrays"]),
                    tuple(self.root / name for name in line["files"]),
                )
        return answers

    @property
    def _folder(self) -> Path:
        return self.root / JOURNAL

    def _lines(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self._folder.glob("*.jsonl")):
            for text in path.read_bytes().splitlines():
                try:
                    line = json.loads(text)
                    check = line.pop("check")
                except (ValueError, KeyError, AttributeError, TypeError):
                    continue  # the last line of a process that was killed
                if check == _checksum(line):
                    yield line

    def _intact(self, line: Mapping[str, Any]) -> bool:
        """Return whether all files of an item are there as it wrote them."""
        named = {self.root / name: digest for name, digest in line["files"].items()}
        if line["arrays"]:
            named[self._folder / line["arrays"]["file"]] = line["arrays"]["sha256"]
        return all(path.is_file() and sha256_of(path) == want for path, want in named.items())

    def _write_arrays(self, task: str, name: str, answer: Answer) -> dict[str, str]:
        if not answer.arrays:
            return {}
        self._folder.mkdir(exist_ok=True)
        content = array_bytes(answer.arrays)
        file = hashlib.sha256(f"{task}\n{name}".encode()).hexdigest()[:32] + ".npz"
        (self._folder / file).write_bytes(content)
        return {"file": file, "sha256": hashlib.sha256(content).hexdigest()}

    def _read_arrays(self, facts: Mapping[str, str]) -> dict[str, Any]:
        import numpy as np

        if not facts:
            return {}
        with np.load(self._folder / facts["file"], allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}


def _checksum(line: Mapping[str, Any]) -> str:
    text = json.dumps(line, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
