"""What no reader may do, whatever it reads: run something, connect, or leave its folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import focsbench

_FORBIDDEN = (
    "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.Popen",
    "pickle.find_class", "socket.connect", "shutil.rmtree", "os.kill",
)  # fmt: skip


class Finding(NamedTuple):
    """What went wrong: error, hang, memory, message, payload or outside; where, and how."""

    kind: str
    where: str
    text: str


class Watch:
    """Listens to the interpreter's audit events while a reader runs."""

    def __init__(self, folder: Path) -> None:
        """folder: the only one whose files may be opened, beside those of Python itself."""
        here = str(folder)
        self._writable = (here,)
        code = (sys.prefix, sys.base_prefix, *focsbench.__path__, str(Path(__file__).parents[1]))
        self._readable = (here, *code, "/proc/", "/sys/", "/usr/", os.devnull)
        self._armed = False
        self._seen: Finding | None = None
        sys.addaudithook(self._hear)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Listen in the block."""
        self._seen, self._armed = None, True
        try:
            yield
        finally:
            self._armed = False

    def finding(self) -> Finding | None:
        """Return the first forbidden thing that was done."""
        return self._seen

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._armed or self._seen is not None:
            return
        if event in _FORBIDDEN:
            self._seen = Finding("payload", event, f"{event} {arguments!r}"[:2000])
        elif event == "open" and isinstance(arguments[0], str | bytes):
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - bytes, and no links
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            allowed = self._writable if flags & (os.O_WRONLY | os.O_RDWR) else self._readable
            if not path.startswith(allowed):
                self._seen = Finding("outside", "open", f"opened {path!r}")
