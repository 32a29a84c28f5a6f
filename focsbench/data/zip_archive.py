"""Zip archives of strangers, opened without reading an endless list of contents."""

from __future__ import annotations

from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

_ENTRY = 128  # bytes of the list for one member: 46, its name, and sizes of 64 bits
_SEARCH = 1 << 18  # bytes that zipfile reads at most to find the list


def open_archive(stream: BinaryIO, most: int) -> ZipFile:
    """Open a zip archive whose list of contents has room for so many members and hardly more.

    An archive can state the size of its list in several places. What `zipfile` really reads is
    counted, so it does not matter which of them it believes.

    Raises:
        ValueError: if the list is longer, missing or damaged.
        NotImplementedError, struct.error, OSError, OverflowError: if it is damaged otherwise.
    """
    frugal = _Frugal(stream, _SEARCH + _ENTRY * most)
    try:
        archive = ZipFile(frugal)
    except BadZipFile as error:
        raise ValueError(f"it ends too early or is damaged: {error}") from None
    frugal.left = None
    return archive


class _Frugal:
    """A stream that gives so many bytes (``left``); without a limit where that is None."""

    def __init__(self, stream: BinaryIO, left: int) -> None:
        self._stream = stream
        self.left: int | None = left

    def read(self, count: int = -1) -> bytes:
        if self.left is None:
            return self._stream.read(count)
        data = self._stream.read(self.left + 1 if count < 0 else min(count, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise ValueError("its list of contents is too long")
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True
