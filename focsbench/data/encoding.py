"""Arrays as the bytes of a file: the same content gives the same bytes, and nothing is pickled."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
from PIL import Image

from focsbench.types import BoolArray, FloatArray


def png_bytes(image: FloatArray | BoolArray) -> bytes:
    """Encode (H, W, 3) or (H, W) values, floats in [0, 1] (clipped) or booleans, as 8-bit PNG."""
    pixels = np.rint(np.clip(image, 0, 1).astype(np.float64) * 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def npy_bytes(array: FloatArray) -> bytes:
    """Encode an array as .npy."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def npz_bytes(arrays: Mapping[str, FloatArray]) -> bytes:
    """Encode named arrays as .npz (written here because numpy would pickle objects)."""
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            # The date of a bare ZipInfo is fixed, so the bytes do not depend on the clock.
            archive.writestr(ZipInfo(f"{name}.npy"), npy_bytes(array))
    return stream.getvalue()


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Encode plain data as UTF-8 JSON for people and programs."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
