"""One file for one reader: an attack, or a harmless one of the same kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One file, and what is beside it.

    name: identifier. file: its name below a folder of its own. reader: key of
    ``attacks.readers.READERS``. make: writes it at a path whose folder exists.
    """

    name: str
    file: str
    reader: str
    make: Callable[[Path], object]


def content(name: str, file: str, reader: str, data: bytes | str) -> Case:
    """Return a case whose file has a given content."""
    raw = data.encode() if isinstance(data, str) else data
    return Case(name, file, reader, lambda path: path.write_bytes(raw))


def sparse(path: Path, size: int, start: bytes = b"") -> None:
    """Write a file that says it has many bytes and takes no room."""
    with path.open("wb") as stream:
        stream.write(start)
        stream.truncate(size)
