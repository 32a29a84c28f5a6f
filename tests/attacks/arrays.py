"""Hostile landmark files, archives of arrays, pickles and links in submissions."""

from __future__ import annotations

import io
import os
import struct
import zlib
from functools import partial
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import numpy as np

from attacks.case import Case, content, sparse

DISTANCES = "distances/a/b/c.npy"  # of one image, in a result folder
COMMAND = b"cposix\nsystem\n(S'touch owned'\ntR."  # the oldest pickle: os.system("touch owned")
STACKED = b'\x80\x04c__builtin__\neval\n(S\'open("owned","w")\'\ntR.'


def npy(header: str, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """A .npy file with any header."""
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text + body


def shaped(shape: str, kind: str = "<f8") -> str:
    return f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}"


def landmarks(name: str, data: bytes, file: str = "head.npy") -> Case:
    return content(name, file, "landmarks", data)


def archive(name: str, members: dict[str, bytes], method: int = ZIP_DEFLATED) -> Case:
    stream = io.BytesIO()
    with ZipFile(stream, "w", method) as zipped:
        for member, data in members.items():
            zipped.writestr(member, data)
    return content(name, "0_parameters.npz", "parameters", stream.getvalue())


def distances(name: str, data: bytes) -> Case:
    return content(name, DISTANCES, "distances", data)


def nameless(path: Path) -> None:
    np.save(path, {"computed_distances": [np.ones(3)], "input_files": [""]})


def object_npy() -> bytes:
    return npy(shaped("()", "|O"), COMMAND)


def bomb(path: Path) -> None:
    """An honest archive of 100 kB that unpacks to 100 MB."""
    with ZipFile(path, "w", ZIP_DEFLATED) as zipped:
        zipped.writestr("identity.npy", npy(shaped(f"({100 << 17},)"), b"\0" * (100 << 20)))


def lying_size(path: Path) -> None:
    """An archive whose directory says 100 bytes of a member that unpacks to 100 MB."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(b"\0" * (100 << 20)) + packed.flush()
    name = b"identity.npy"
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(data), 100, len(name), 0)
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(data), 100, len(name),
        0, 0, 0, 0, 0, 0,
    )  # fmt: skip
    start = len(local) + len(name) + len(data)
    size = len(entry) + len(name)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, size, start, 0)
    path.write_bytes(local + name + data + entry + name + end)


def crowded(members: int, *, zip64: bool, start: bytes = b"PK\3\4" + b"\0" * 26) -> bytes:
    """A list of contents alone; with zip64, its length is one member in one place and all in the
    other."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, *[0] * 14)
    size, end = len(entry) * members, b""
    if zip64:
        place = len(start) + size
        end = struct.pack(
            "<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, members, members, size, len(start)
        )
        end += struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
    stated = len(entry) if zip64 else size
    end += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, stated, len(start), 0)
    return start + entry * members + end


def link_out(path: Path) -> None:
    secret = path.parent.parent / "secret.npz"
    with ZipFile(secret, "w") as zipped:
        zipped.writestr("key.npy", npy(shaped("(1,)"), b"\0" * 8))
    path.symlink_to(secret)


GOOD = npy(shaped("(2,)"), b"\0" * 16)
ATTACKS = (
    landmarks("npy_runs_a_command", object_npy()),
    landmarks("npy_of_a_trillion_numbers", npy(shaped("(1000000000000, 3)"))),
    landmarks("npy_wrapped_size", npy(shaped("(4611686018427387904, 4)"))),
    landmarks("npy_negative_size", npy(shaped("(-7, -3)"), b"\0" * 168)),
    landmarks("npy_header_nested", npy("(" * 5000 + ")" * 5000)),
    landmarks("npy_header_calls", npy("__import__('os').system('touch owned')")),
    landmarks("npy_header_unfinished", npy("{'descr': ")),
    landmarks("npy_of_structures", npy(shaped("(7, 3)", "<c16"), b"\0" * 336)),
    landmarks("npy_of_another_version", npy(shaped("(7, 3)"), b"\0" * 168, (9, 9))),
    landmarks("npy_truncated", npy(shaped("(7, 3)"), b"\0" * 100)),
    landmarks("npy_of_68_points", npy(shaped("(68, 3)"), b"\0" * 1632)),
    landmarks("npy_not_a_number", npy(shaped("(7, 3)"), np.full(21, np.nan).tobytes())),
    landmarks("txt_of_a_million_columns", b"1 " * 500_000, "head.txt"),
    landmarks("txt_in_utf16", "1 2 3\n".encode("utf-16") * 7, "head.txt"),
    landmarks("txt_of_huge_numbers", b"9" * 400_000 + b" 1 1\n", "head.txt"),
    Case("txt_of_gigabytes", "head.txt", "landmarks", partial(sparse, size=1 << 33)),
    Case("landmarks_are_a_pipe", "head.npy", "landmarks", os.mkfifo),
    Case("npz_bomb", "0_parameters.npz", "parameters", bomb),
    archive("npz_of_too_many_members", {f"a{i}.npy": GOOD for i in range(3000)}),
    Case(
        "npz_of_a_million_members",
        "0_parameters.npz",
        "parameters",
        lambda path: path.write_bytes(crowded(1 << 20, zip64=False)),
    ),
    archive("npz_runs_a_command", {"identity.npy": object_npy()}),
    archive("npz_member_of_a_trillion_numbers", {"identity.npy": npy(shaped("(1000000000000,)"))}),
    archive("npz_member_is_text", {"identity.npy": b"hello"}),
    archive("npz_slips_out", {"../../owned.npy": b"owned"}),
    archive("npz_in_another_packing", {"identity.npy": GOOD}, ZIP_BZIP2),
    content("npz_is_a_pickle", "0_parameters.npz", "parameters", COMMAND),
    content("npz_truncated", "0_parameters.npz", "parameters", b"PK\3\4" + b"\0" * 30),
    Case("npz_with_lying_sizes", "0_parameters.npz", "parameters", lying_size),
    Case("npz_is_a_link_out_of_the_folder", "0_parameters.npz", "parameters", link_out),
    Case("npz_of_terabytes", "0_parameters.npz", "parameters", partial(sparse, size=1 << 40)),
    content("result_runs_a_command", "m_computed_distances.npy", "legacy", object_npy()),
    content(
        "result_evaluates", "m_computed_distances.npy", "legacy", npy(shaped("()", "|O"), STACKED)
    ),
    content(
        "result_of_nested_lists",
        "m_computed_distances.npy",
        "legacy",
        npy(shaped("()", "|O"), b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b"."),
    ),
    content("result_is_text", "m_computed_distances.npy", "legacy", b"hello"),
    Case("result_of_a_nameless_image", "m_computed_distances.npy", "legacy", nameless),
    distances("distances_run_a_command", object_npy()),
    distances("distances_of_a_trillion_numbers", npy(shaped("(1000000000000,)"))),
    distances("distances_of_words", npy(shaped("(2,)", "<U1"), "ab".encode("utf-32-le"))),
    distances("distances_not_a_number", npy(shaped("(2,)"), np.full(2, np.nan).tobytes())),
    distances("distances_of_another_result", npy(shaped("(3,)"), b"\0" * 24)),
    distances("distances_of_nothing", b""),
    Case("distances_are_a_pipe", DISTANCES, "distances", os.mkfifo),
)
