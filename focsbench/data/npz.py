"""Archives of arrays (.npz) from strangers: bounded before anything is unpacked, no pickles."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from numpy.typing import NDArray

from focsbench.data.zip_archive import open_archive
from focsbench.npy import array_of_bytes

_MOST_MEMBERS = 256
_DAMAGES = (
    OSError, KeyError, EOFError, RuntimeError, NotImplementedError, OverflowError, BadZipFile,
    zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip


def read_npz(data: bytes, largest: int) -> dict[str, NDArray[Any]]:
    """Read arrays of numbers by name.

    The sizes that an archive states may lie, so every member is unpacked no further than it says
    and compared with the shape in its own header.

    Args:
        data: of the file.
        largest: bytes of all arrays together, unpacked.

    Raises:
        ValueError: if it is damaged, encrypted, too large, or holds anything but arrays of numbers.
    """
    try:
        with open_archive(io.BytesIO(data), _MOST_MEMBERS) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                raise ValueError(f"{len(members)} members, more than {_MOST_MEMBERS}")
            total = sum(member.file_size for member in members)
            if total > largest:
                raise ValueError(f"too large: it unpacks to {total} bytes, more than {largest}")
            return {
                member.filename.removesuffix(".npy"): _read_member(archive, member)
                for member in members
            }
    except _DAMAGES as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _read_member(archive: ZipFile, member: ZipInfo) -> NDArray[Any]:
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{member.filename[:80]!r} is packed in an unusual way")
    with archive.open(member) as stream:
        content = stream.read(member.file_size + 1)  # one more: the stated size may be a lie
    if len(content) != member.file_size:
        raise ValueError(f"{member.filename[:80]!r} has another size than it says")
    return array_of_bytes(content)
