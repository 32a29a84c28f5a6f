"""Seeing what Python code does beside computing: files written, connections, commands, pickles.

Python announces these as audit events. What compiled code does by itself is not announced, so
this is a rehearsal's eye and no sandbox.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from focsbench.paths import cache_dir

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {  # event -> which of its arguments are paths that change
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
}
_TEMPORARY = frozenset({"tempfile.mkdtemp", "tempfile.mkstemp"})
_CONNECTIONS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.sendto"})
_COMMANDS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"})


@dataclass
class Deeds:
    """What was seen: paths, addresses, commands and names, in order, without repetitions."""

    written: dict[str, None] = field(default_factory=dict)
    connections: dict[str, None] = field(default_factory=dict)
    commands: dict[str, None] = field(default_factory=dict)
    unpickled: dict[str, None] = field(default_factory=dict)
    temporary: dict[str, None] = field(default_factory=dict)

    def strange_files(self) -> list[str]:
        """Return written paths that are neither temporary files of its own nor caches."""
        allowed = [Path(name) for name in self.temporary]
        allowed += [cache_dir(), Path("/dev"), Path("/proc")]
        return [name for name in self.written if not _is_allowed(Path(name), allowed)]


def _is_allowed(path: Path, allowed: list[Path]) -> bool:
    compiled = {"__pycache__", "numba_cache"}
    return not compiled.isdisjoint(path.parts) or any(map(path.is_relative_to, allowed))


_deeds: Deeds | None = None
_installed = False


@contextmanager
def watching(deeds: Deeds) -> Iterator[None]:
    """Collect what Python code does inside the block."""
    global _deeds, _installed
    if not _installed:  # hooks stay for ever
        sys.addaudithook(_see)
        _installed = True
    _deeds = deeds
    try:
        yield
    finally:
        _deeds = None


def _see(event: str, arguments: tuple[Any, ...]) -> None:
    deeds = _deeds
    if deeds is None:
        return
    if event == "open":
        path, mode, flags = arguments
        if _writes(mode, flags):
            _note(deeds.written, path)
    elif event in _CHANGES:
        for number in _CHANGES[event]:
            _note(deeds.written, arguments[number])
    elif event in _TEMPORARY:
        _note(deeds.temporary, arguments[0])
    elif event in _CONNECTIONS:
        deeds.connections[str(arguments[1] if event == "socket.connect" else arguments[0])] = None
    elif event in _COMMANDS:
        deeds.commands[str(arguments[0])] = None
    elif event == "pickle.find_class" and not _inside_numba(sys._getframe()):
        deeds.unpickled[f"{arguments[0]}.{arguments[1]}"] = None


def _writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return not set(mode).isdisjoint("wax+")
    return isinstance(flags, int) and bool(flags & _WRITING)


def _note(found: dict[str, None], path: object) -> None:
    if isinstance(path, (str, bytes, os.PathLike)):
        found[os.path.abspath(os.fsdecode(path))] = None  # noqa: PTH100 - a hook must not resolve


def _inside_numba(frame: FrameType | None) -> bool:
    """Whether a frame belongs to numba, whose cache of machine code is pickled."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("numba", "llvmlite"):
            return True
        frame = frame.f_back
    return False
