"""Photographs of every kind become upright RGB, or one sentence."""

import contextlib
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from focsbench.data import image_files
from focsbench.data.image_files import read_image
from focsbench.errors import InputError

ORIENTATION = 274
RNG = np.random.default_rng(3)
PICTURE = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
# What a camera stores that is held so that `orientation` turns it upright: the inverse transform.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", STORED)
def test_a_photograph_is_turned_as_its_exif_data_say(tmp_path, orientation):
    upright = Image.fromarray(PICTURE)
    how = STORED[orientation]
    stored = upright if how is None else upright.transpose(how)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored.save(tmp_path / "phone.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "phone.png", "RGB")), PICTURE)


def png_chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (20_000, 7_000)])
def test_an_absurd_header_allocates_nothing(tmp_path, size):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(*size))
    with pytest.raises(InputError, match=r"bomb\.png: not a readable image .*megapixels"):
        read_image(path, "RGB")


def test_the_largest_image_is_read_and_one_more_row_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "LARGEST_PIXELS", PICTURE.shape[0] * PICTURE.shape[1])
    Image.fromarray(PICTURE).save(tmp_path / "fits.png")
    assert read_image(tmp_path / "fits.png", "RGB").size == (9, 6)
    Image.fromarray(np.vstack([PICTURE, PICTURE[:1]])).save(tmp_path / "large.png")
    with pytest.raises(InputError, match=r"9 x 7 pixels, more than"):
        read_image(tmp_path / "large.png", "RGB")


def test_sixteen_bits_keep_their_brightness(tmp_path):
    grey = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    for name in ("deep.png", "deep.tif"):
        Image.fromarray(grey).save(tmp_path / name)
        pixels = np.asarray(read_image(tmp_path / name, "RGB"))
        np.testing.assert_array_equal(pixels, np.repeat((grey // 257)[..., None], 3, axis=2))


def test_transparency_lies_on_black(tmp_path):
    picture = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 128, dtype=np.uint8)])
    Image.fromarray(picture).save(tmp_path / "layer.png")
    pixels = np.asarray(read_image(tmp_path / "layer.png", "RGB")).astype(float)
    np.testing.assert_allclose(pixels, PICTURE * (128 / 255), atol=1.01)


def test_tiles_leave_no_seams(tmp_path, monkeypatch):
    clear = np.dstack([PICTURE, RNG.integers(0, 256, PICTURE.shape[:2], dtype=np.uint8)])
    grey = RNG.integers(0, 65536, PICTURE.shape[:2], dtype=np.uint16)
    Image.fromarray(clear).save(tmp_path / "layer.png")
    Image.fromarray(PICTURE).quantize(8).save(tmp_path / "palette.png", transparency=3)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    for name in ("layer.png", "palette.png", "deep.png"):
        for mode in ("RGB", "L"):
            monkeypatch.setattr(image_files, "_TILE", 1024)
            whole = read_image(tmp_path / name, mode)
            monkeypatch.setattr(image_files, "_TILE", 4)
            np.testing.assert_array_equal(read_image(tmp_path / name, mode), whole)
    deep = np.zeros((6, 9), dtype=np.int32)
    deep[-1, -1] = 1 << 20
    Image.fromarray(deep).save(tmp_path / "wide.tif")
    with pytest.raises(InputError, match="more than 16 bits"):
        read_image(tmp_path / "wide.tif", "RGB")


# Reads a small picture, and then a large one with 11 bytes of further memory for a pixel.
FRUGAL = """
import resource, sys
from pathlib import Path
from focsbench.data.image_files import read_image
small, large = map(Path, sys.argv[1:])
read_image(small, "RGB")
space = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (space + 11 * 24_000_000,) * 2)
print(read_image(large, "RGB").size)
"""


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_no_more_than_two_copies_are_held(tmp_path, mode):
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    paths = [tmp_path / "small.png", tmp_path / "large.png"]
    for path, size in zip(paths, ((3, 2), (6000, 4000)), strict=True):
        Image.new(mode, size).save(path, exif=turned, compress_level=1)
    ended = subprocess.run(
        [sys.executable, "-c", FRUGAL, *paths], capture_output=True, text=True, check=False
    )
    assert ended.stdout == "(4000, 6000)\n", ended.stderr[-3000:]


def test_cmyk_palette_grey_and_animation(tmp_path):
    plain = Image.fromarray(np.full((20, 30, 3), (200, 120, 40), dtype=np.uint8))
    other = Image.fromarray(np.zeros((20, 30, 3), dtype=np.uint8))
    plain.convert("CMYK").save(tmp_path / "print.jpg", quality=98)
    plain.convert("P").save(tmp_path / "palette.png")
    plain.save(tmp_path / "moving.gif", save_all=True, append_images=[other])
    plain.convert("L").save(tmp_path / "grey.jpg")
    for name, tolerance in (("print.jpg", 6), ("palette.png", 52), ("moving.gif", 2)):
        pixels = np.asarray(read_image(tmp_path / name, "RGB")).astype(int)
        assert pixels.shape == (20, 30, 3)
        assert np.abs(pixels - (200, 120, 40)).max() <= tolerance, name
    grey = np.asarray(read_image(tmp_path / "grey.jpg", "RGB"))
    assert (grey[..., 0] == grey[..., 2]).all()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("note.jpg", b"hello", "not a JPEG, PNG"),
        ("empty.png", b"", "not a JPEG, PNG"),
        ("phone.heic", b"\x00\x00\x00\x18ftypheic", "save it as JPEG"),
        ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a JPEG, PNG"),
    ],
)
def test_what_is_no_image_is_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence) as caught:
        read_image(tmp_path / name, "RGB")
    assert str(caught.value).startswith(str(tmp_path / name))
    assert str(caught.value).endswith(".")


def test_a_folder_a_pipe_and_a_missing_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for ever
    for path in (tmp_path, tmp_path / "pipe.png"):
        with pytest.raises(InputError, match="not a file"):
            read_image(path, "RGB")
    with pytest.raises(InputError, match="missing"):
        read_image(tmp_path / "gone.png", "RGB")


def test_wide_integers_and_floats_are_refused(tmp_path):
    Image.fromarray(np.full((4, 4), 1 << 20, dtype=np.int32)).save(tmp_path / "wide.tif")
    Image.fromarray(np.full((4, 4), 0.5, dtype=np.float32)).save(tmp_path / "float.tif")
    for name, sentence in (("wide.tif", "more than 16 bits"), ("float.tif", "floating-point")):
        with pytest.raises(InputError, match=sentence):
            read_image(tmp_path / name, "RGB")


@pytest.fixture(scope="module")
def damaged_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@given(st.data())
def test_damaged_files_raise_input_errors_only(damaged_folder, data):
    kind = data.draw(st.sampled_from(["jpg", "png", "gif", "tif", "bmp", "webp"]))
    path = damaged_folder / f"photo.{kind}"
    Image.fromarray(PICTURE).save(path)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    with contextlib.suppress(InputError):
        assert read_image(path, "RGB").mode == "RGB"
