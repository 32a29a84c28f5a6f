"""Hostile files of ``torch.save`` and MATLAB: formats that carry programs, or sizes that lie."""

from __future__ import annotations

import io
import os
import struct
import zlib
from functools import partial
from zipfile import ZIP_DEFLATED, ZipFile

from attacks.arrays import COMMAND, STACKED
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


ATTACKS = (
    torch("pth_runs_a_command", COMMAND),
    torch("pth_archive_runs_a_command", zipped({"net/data.pkl": COMMAND, "net/version": b"3"})),
    torch("pth_archive_evaluates", zipped({"net/data.pkl": STACKED, "net/version": b"3"})),
    torch(
        "pth_bomb",
        zipped({"net/data.pkl": b"\0" * (32 << 20)}, compression=ZIP_DEFLATED),
    ),
    torch("pth_slips_out", zipped({"../../owned": b"owned"})),
    torch("pth_nested_lists", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."),
    torch("pth_truncated", b"PK\3\4" + b"\0" * 26),
    torch("pth_is_text", b"hello, this is no network"),
    Case("pth_of_terabytes", "net.pth", "torch", partial(sparse, size=1 << 40)),
    Case("pth_is_a_pipe", "net.pth", "torch", os.mkfifo),
    matlab("mat_element_of_gigabytes", struct.pack("<II", 14, 0xFFFFFF00) + b"\0" * 64),
    matlab("mat_bomb", struct.pack("<II", 15, 8168) + zlib.compress(b"\0" * (8 << 20), 9)),
    matlab("mat_truncated", struct.pack("<I", 14)),
    matlab("mat_empty", b""),
    Case("mat_of_terabytes", "model.mat", "matlab", partial(sparse, size=1 << 40, start=MAT)),
    Case("mat_is_a_pipe", "model.mat", "matlab", os.mkfifo),
)
