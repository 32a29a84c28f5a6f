"""Hostile photographs and masks."""

from __future__ import annotations

import io
import os
import struct
import zlib
from functools import partial

from PIL import Image

from attacks.case import Case, content, sparse

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b""
) -> bytes:
    """A PNG that says it has a size, around compressed data that need not have it."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def picture(form: str, **options: object) -> bytes:
    """A small picture in any format, perhaps animated."""
    stream = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), (n, 0, 0)) for n in (0, 200)]
    frames[0].save(stream, format=form, **options)
    return stream.getvalue()


def zeros(count: int) -> bytes:
    return zlib.compress(b"\0" * count, 9)


def image(name: str, data: bytes, file: str = "photo.png") -> Case:
    return content(name, file, "image", data)


SMALL = picture("PNG")
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n(%pipe%touch owned) (w) file\n"
TEXT_BOMB = chunk(b"zTXt", b"Comment\0\0" + zeros(8 << 20))
PROFILE_BOMB = chunk(b"iCCP", b"icc\0\0" + zeros(8 << 20))

ATTACKS = (
    image("png_bomb_of_a_hundred_megapixels", png(10_000, 10_000, zeros(1 << 20))),
    image("png_bomb_of_gigapixels", png(60_000, 60_000, zeros(1 << 20))),
    image("png_of_the_largest_size", png(2**31 - 1, 2**31 - 1, zeros(100))),
    image("png_of_no_size", png(0, 0, b"")),
    image("png_truncated", SMALL[: len(SMALL) // 2]),
    image("png_of_eight_bytes", SIGNATURE),
    image("png_with_wrong_checksum", SMALL[:-20] + b"\0\0\0\0" + SMALL[-16:]),
    image("png_with_damaged_data", png(64, 64, b"\xff" * 90)),
    image("png_with_too_little_data", png(4000, 4000, zeros(10))),
    image("png_text_bomb", png(16, 16, zeros(800), extra=TEXT_BOMB)),
    image("png_profile_bomb", png(16, 16, b"", extra=PROFILE_BOMB)),
    image("png_of_impossible_depth", png(16, 16, zeros(800), depth=3)),
    image("png_is_text", b"This is not an image.\n"),
    image("png_is_a_postscript_program", EPS),
    image("png_is_a_pdf", b"%PDF-1.7\n" + b"0" * 200),
    image("jpeg_truncated", picture("JPEG")[:200], "photo.jpg"),
    image(
        "jpeg_of_the_largest_size",
        picture("JPEG").replace(b"\0\x10\0\x10\x03", b"\xff\xff\xff\xff\x03"),
        "photo.jpg",
    ),
    image("tiff_directory_loop", b"II*\0\x08\0\0\0\0\0\x08\0\0\0", "photo.tif"),
    image("tiff_of_nonsense", b"II*\0" + b"\xff" * 60, "photo.tif"),
    image("webp_truncated", picture("WEBP")[:30], "photo.webp"),
    image("ppm_of_gigapixels", b"P6 90000 90000 255\n" + b"\0" * 100, "photo.ppm"),
    image("image_is_empty", b""),
    Case(
        "image_of_terabytes", "photo.png", "image", partial(sparse, size=1 << 40, start=SIGNATURE)
    ),
    Case("image_is_a_pipe", "photo.png", "image", os.mkfifo),
    Case("image_is_dev_random", "photo.png", "image", lambda path: path.symlink_to("/dev/random")),
)
