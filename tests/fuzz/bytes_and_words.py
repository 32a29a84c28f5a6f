"""Mutations that know nothing of formats, or no more than that a file is text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

LARGEST = 1 << 17  # bytes of an input
WHOLE = (0, 1, 2, 3, 7, 127, 128, 255, 256, 32767, 65535, 1 << 24, (1 << 31) - 1, 1 << 31,
         (1 << 32) - 1, 1 << 33, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)  # fmt: skip
WORDS = (
    "0", "-1", "1", "3", "255", "65536", "2147483648", "4294967295", "9223372036854775807",
    "18446744073709551616", "9" * 30, "9" * 400, "9" * 5000, "1e308", "1e999", "-1e400", "1e-320",
    "nan", "inf", "-inf", "NaN", "Infinity", "1_0", "0x10", "1.5", "1,5", ".", "-", "+", "", "²",
    "٣", "\ud800", "\0", "\ufeff", "true", "null", "[]", "{}", '""', "..", "../../../etc/passwd",
    "/etc/passwd", "/dev/zero", "a/../b", "a\\b", "%s", "{0}", "\u202e", "a" * 300, "é", "\n", "\r",
)  # fmt: skip
_WORD = re.compile(rb"[-+]?[\w.]+")


def flip(data: bytearray, rng: Random) -> None:
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def set_byte(data: bytearray, rng: Random) -> None:
    data[rng.randrange(len(data))] = rng.choice((0, 1, 0x20, 0x2F, 0x30, 0x7F, 0x80, 0xFF))


def set_number(data: bytearray, rng: Random) -> None:
    """Write a whole number where some format may have one."""
    size = rng.choice((1, 2, 4, 4, 8))
    at = rng.randrange(len(data))
    number = rng.choice(WHOLE) % (1 << 8 * size)
    data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))


def add_to_number(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data))
    data[at] = (data[at] + rng.choice((-2, -1, 1, 2, 16, 64))) % 256


def cut(data: bytearray, rng: Random) -> None:
    start = rng.randrange(len(data))
    del data[start : start + _length(data, rng)]


def end_early(data: bytearray, rng: Random) -> None:
    del data[rng.randrange(len(data)) :]


def repeat(data: bytearray, rng: Random) -> None:
    start = rng.randrange(len(data))
    piece = data[start : start + _length(data, rng)]
    data[start:start] = piece * rng.choice((1, 1, 2, 50))


def move(data: bytearray, rng: Random) -> None:
    start = rng.randrange(len(data))
    end = start + _length(data, rng)
    piece = data[start:end]
    del data[start:end]
    at = rng.randrange(len(data) + 1)
    data[at:at] = piece


def insert(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16)))


def replace_word(data: bytearray, rng: Random) -> None:
    found = list(_WORD.finditer(data[: 1 << 14]))
    if found:
        start, end = rng.choice(found).span()
        other = rng.choice(found)[0] if rng.random() < 0.3 else _encoded(rng.choice(WORDS))
        data[start:end] = other


def insert_word(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = _encoded(rng.choice(WORDS))


def change_lines(data: bytearray, rng: Random) -> None:
    lines = bytes(data).split(b"\n")
    place = rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines[place:place] = [lines[place]] * rng.choice((1, 2, 100))
        case 2:
            lines[place] = lines[rng.randrange(len(lines))]
        case _:
            lines[place] = lines[place][: rng.randrange(len(lines[place]) + 1)]
    data[:] = rng.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r")).join(lines)


def encode_again(data: bytearray, rng: Random) -> None:
    text = data.decode("utf-8", "replace")
    data[:] = text.encode(rng.choice(("utf-16", "utf-8-sig", "utf-16-be", "utf-32")))


def nest(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice((b"[", b"{", b"(", b"<a>", b'{"a":', b"]", b'"')) * rng.choice(
        (2, 3000)
    )


def splice(data: bytearray, rng: Random, others: Sequence[bytes]) -> None:
    """Go on as another input of the same reader does."""
    other = rng.choice(others)
    if other:
        data[rng.randrange(len(data) + 1) :] = other[rng.randrange(len(other)) :]


_ANYWHERE = (flip, set_byte, set_number, set_number, add_to_number, cut, end_early, repeat, move,
             insert)  # fmt: skip
_TEXT = (replace_word, replace_word, replace_word, insert_word, change_lines, change_lines,
         encode_again, nest)  # fmt: skip


def mutate_bytes(data: bytes, rng: Random, others: Sequence[bytes] = ()) -> bytes:
    """Change a file once or a few times."""
    changed = bytearray(data)
    is_text = b"\0" not in data[:512]
    for _ in range(rng.choice((1, 1, 2, 4))):
        if not changed:
            changed[:] = rng.randbytes(8)
        if others and rng.random() < 0.05:
            splice(changed, rng, others)
            continue
        kind = rng.choice(_TEXT if is_text and rng.random() < 0.7 else _ANYWHERE)
        kind(changed, rng)
    return bytes(changed[:LARGEST])


def _length(data: bytearray, rng: Random) -> int:
    return rng.choice((1, 2, 4, 8, 16, max(len(data) // 4, 1)))


def _encoded(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")
