"""Hostile files of ``torch.save`` and MATLAB: formats that carry programs, or sizes that lie."""

from __future__ import annotations

import io
import os
import pickle  # noqa: TID251 - hostile files have to be made somehow
import struct
import zlib
from functools import partial
from zipfile import ZIP_DEFLATED, ZipFile

from attacks.arrays import COMMAND, STACKED, crowded
from attacks.case import Case, content, sparse

MAT = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49)


def torch(name: str, data: bytes) -> Case:
    return content(name, "net.pth", "torch", data)


def matlab(name: str, data: bytes) -> Case:
    return content(name, "model.mat", "matlab", MAT + data)


def zipped(members: dict[str, bytes], **options: int) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w", **options) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return stream.getvalue()


def legacy(name: str, content: bytes, keys: bytes) -> Case:
    """A file as torch wrote it before 1.6, with any pickles of its content and of its keys."""
    head = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    return torch(name, b"".join(pickle.dumps(part, protocol=2) for part in head) + content + keys)


TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"
    b"0X\x03\0\0\0cpuK\x01tQK\0))\x89}tR"
)


def word(text: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text


# What scipy's savemat writes of {"shapeMU": 1.0}.
MAT_ARRAY = bytes.fromhex(
    "0e000000400000000600000008000000060000000000000005000000080000000100000001000000"
    "010000000700000073686170654d55000900000008000000000000000000f03f"
)
NONE = b"\x80\x02]."
ATTACKS = (
    torch("pth_runs_a_command", COMMAND),
    torch("pth_archive_runs_a_command", zipped({"net/data.pkl": COMMAND, "net/version": b"3"})),
    torch("pth_archive_evaluates", zipped({"net/data.pkl": STACKED, "net/version": b"3"})),
    torch(
        "pth_bomb",
        zipped({"net/data.pkl": b"\0" * (32 << 20)}, compression=ZIP_DEFLATED),
    ),
    Case(
        "pth_of_a_million_records",
        "net.pth",
        "torch",
        lambda path: path.write_bytes(crowded(1 << 20, zip64=True)),
    ),
    torch("pth_slips_out", zipped({"../../owned": b"owned"})),
    torch("pth_nested_lists", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."),
    legacy("pth_nested_key", b"\x80\x02}.", b"\x80\x02])" + b"\x85" * 190_000 + b"a."),
    legacy(
        "pth_long_names",
        b"\x80\x02}" + word(b"k" * (1 << 20)) + b"](" + TENSOR + b"q\1" + b"h\1" * 400 + b"es.",
        NONE,
    ),
    legacy(
        "pth_long_names_of_classes",
        b"\x80\x02]("
        + word(b"encoder." + b"k" * (1 << 20))
        + b"q\1"
        + b"".join(b"h\1" + word(b"%d" % number) + b"\x93)R" for number in range(400))
        + b"e.",
        NONE,
    ),
    torch("pth_truncated", b"PK\3\4" + b"\0" * 26),
    torch("pth_is_text", b"hello, this is no network"),
    Case("pth_of_terabytes", "net.pth", "torch", partial(sparse, size=1 << 40)),
    Case("pth_is_a_pipe", "net.pth", "torch", os.mkfifo),
    matlab("mat_element_of_gigabytes", struct.pack("<II", 14, 0xFFFFFF00) + b"\0" * 64),
    matlab("mat_bomb", struct.pack("<II", 15, 8168) + zlib.compress(b"\0" * (8 << 20), 9)),
    matlab("mat_of_a_million_arrays", MAT_ARRAY * 1_000_000),
    matlab("mat_truncated", struct.pack("<I", 14)),
    matlab("mat_empty", b""),
    Case("mat_of_terabytes", "model.mat", "matlab", partial(sparse, size=1 << 40, start=MAT)),
    Case("mat_is_a_pipe", "model.mat", "matlab", os.mkfifo),
)
