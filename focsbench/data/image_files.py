"""Image files of any common kind as upright 8-bit pixels, within bounds.

Phones store a photograph as the sensor saw it and note in its EXIF data how to turn it; everything
here is turned, so landmarks and masks refer to the picture as people see it.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from stat import S_ISREG

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from focsbench.errors import InputError, brief

LARGEST_PIXELS = 120_000_000
"""Of one image. Above the cameras of almost all telephones.

As RGB 480 MB, since Pillow takes 4 bytes for a pixel; twice that while it is read if it is turned
or converted, and up to five times in the decoders of WebP and JPEG 2000.
"""
_TILE = 1024  # pixels of a side; conversions in several steps hold their copies for one tile

# What people and datasets use. PostScript and the like would start other programs.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF", "TGA")
_APPLE = (".heic", ".heif")
# What the decoders raise on damaged files, and the file system.
DAMAGED = (
    OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, EOFError,
    RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip


def read_image(path: Path, mode: str) -> Image.Image:
    """Read an image file completely, turn it upright and convert it to ``mode``.

    The first picture of files that hold several. 16-bit channels become 8-bit ones, transparent
    pixels lie on black, CMYK and palettes are converted.

    Args:
        path: of a file in one of `FORMATS`.
        mode: ``RGB`` or ``L``.

    Raises:
        InputError: naming the file if it is missing, damaged, too large or not an image.
    """
    with _opened(path) as image:
        ImageOps.exif_transpose(image, in_place=True)
        return _converted(path, image, mode)


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of an image file, pixels as stored, from its header alone.

    Raises:
        InputError: as :func:`read_image`, but not where only the pixels are damaged.
    """
    with _opened(path) as image:
        return image.size


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image of bounded size; what goes wrong with it inside becomes an InputError."""
    _check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on odd metadata, and on sizes: those are checked here
            with Image.open(path, formats=FORMATS) as image:
                _check_size(path, image)
                yield image
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a readable image{_advice(path)}.") from None
    except Image.DecompressionBombError:
        raise InputError(_too_large(path)) from None
    except DAMAGED as error:
        raise InputError(
            f"{path}: not a readable image ({brief(error)}); replace the file."
        ) from None


def _check_file(path: Path) -> None:
    try:
        regular = S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        raise InputError(
            f"{path}: the image is missing; restore it or remove it from the list."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: the image cannot be opened ({brief(error)}); check it."
        ) from None
    if not regular:
        raise InputError(f"{path}: not a readable image (not a file); name an image file.")


def _check_size(path: Path, image: Image.Image) -> None:
    if image.width * image.height > LARGEST_PIXELS:
        raise InputError(_too_large(path, f"{image.width} x {image.height} pixels, "))


def _too_large(path: Path, size: str = "") -> str:
    return (
        f"{path}: not a readable image ({size}more than {LARGEST_PIXELS // 1_000_000} megapixels); "
        "make it smaller, or replace the file if it is damaged."
    )


def _advice(path: Path) -> str:
    if path.suffix.lower() in _APPLE:
        return " (HEIC is not supported); save it as JPEG"
    return " (not a JPEG, PNG or another common format); replace the file"


def _converted(path: Path, image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode:
        image.load()
        return image.copy() if image.readonly else image
    if image.mode.startswith("I"):  # 16 bits, which the decoder may hold in 32
        return _by_tiles(image, partial(_narrowed, path), mode)
    if image.mode == "F":
        raise InputError(
            f"{path}: its pixels are floating-point numbers without a fixed white; save it with "
            "8 bits per channel."
        )
    if image.has_transparency_data:
        return _by_tiles(image, _on_black, mode)
    return image.convert(mode)


def _by_tiles(
    image: Image.Image, change: Callable[[Image.Image], Image.Image], mode: str
) -> Image.Image:
    result = Image.new(mode, image.size)
    corners = product(range(0, image.width, _TILE), range(0, image.height, _TILE))
    for left, top in corners:
        box = (left, top, min(left + _TILE, image.width), min(top + _TILE, image.height))
        result.paste(change(image.crop(box)).convert(mode), box)
    return result


def _narrowed(path: Path, tile: Image.Image) -> Image.Image:
    wide = np.asarray(tile)
    if wide.size and (wide.min() < 0 or wide.max() > 65535):
        raise InputError(
            f"{path}: its pixels have more than 16 bits; save it with 8 bits per channel."
        )
    return Image.fromarray((wide // 257).astype(np.uint8))


def _on_black(tile: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", tile.size, (0, 0, 0, 255))
    return Image.alpha_composite(ground, tile.convert("RGBA"))
