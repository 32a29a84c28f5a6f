"""What a page carries inside itself: pictures as data URIs, arrays as base64, safe JSON."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

QUALITY = 88  # of photographs and renders, which are small


def picture_uri(pixels: NDArray[np.uint8], lossless: bool = False) -> str:
    """Return an (H, W, 3) picture as a data URI (WebP).

    lossless: for masks, whose few colours have sharp edges.
    """
    stream = io.BytesIO()
    picture = Image.fromarray(pixels)
    picture.save(stream, "WEBP", lossless=lossless, quality=100 if lossless else QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"


def array_base64(values: NDArray[Any]) -> str:
    """Return the bytes of an array, little-endian and row by row, as base64."""
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(np.ascontiguousarray(little).tobytes()).decode()


def script_json(value: Any) -> Markup:
    """Return JSON that may stand in a ``<script>``: nothing in it can end the element.

    Raises:
        ValueError: for NaN or infinity, which JSON does not have.
    """
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
