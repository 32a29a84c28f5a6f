"""Which lines of the package an input reaches that none before it did."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import focsbench


class Reached:
    """Notes lines of the package; all other code runs untraced.

    seen: (code, line) reached so far.
    """

    def __init__(self) -> None:
        self.seen: set[tuple[CodeType, int]] = set()
        self._folders = tuple(focsbench.__path__)
        self._ours: dict[CodeType, bool] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch what runs in the block."""
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in self._ours:
            self._ours[code] = code.co_filename.startswith(self._folders)
        return self._line if self._ours[code] else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.seen.add((frame.f_code, frame.f_lineno))
        return self._line
