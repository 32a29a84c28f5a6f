"""One self-contained page about fitted photographs: no network, opens from a file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from importlib import resources
from typing import Any
from urllib.parse import quote

import jinja2
import numpy as np
from PIL import Image

from focsbench import __version__
from focsbench.fit.batch import PhotoResult
from focsbench.fit.files import FaceFiles
from focsbench.fit.fitter import FittedFace
from focsbench.fit.head import Head
from focsbench.geometry.head_pose import head_pose_from_landmarks

LARGEST_SIDE = 1000  # of a photograph on the page, pixels
ZOOM = 1.5  # reach of the picture of a head, in those of its face
MOST_PHOTOS = 40  # with pictures, half a megabyte each; the others are only named
MOST_HEADS = 12  # that can be turned; browsers draw no more than about 16
PHOTO_QUALITY = 88  # of JPEG


class Page:
    """Collects what is shown of photographs, so that they themselves need not be kept."""

    def __init__(self) -> None:
        self._photos: list[dict[str, Any]] = []
        self._heads = MOST_HEADS

    def add(self, result: PhotoResult) -> None:
        """Add a photograph; after `MOST_PHOTOS` only its name and its failures."""
        photo = _photo(result, self._heads, pictures=len(self._photos) < MOST_PHOTOS)
        self._heads -= sum(1 for face in photo["faces"] if face["head"])
        self._photos.append(photo)

    def html(self, facts: Sequence[tuple[str, str]]) -> str:
        """Return the page.

        Args:
            facts: name and value of what all photographs share (weights, detector, ...).
        """
        source = resources.files("focsbench.fit").joinpath("page.html").read_text(encoding="utf-8")
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        template = environment.from_string(source)
        return template.render(photos=self._photos, facts=facts, version=__version__)


def _photo(result: PhotoResult, heads: int, pictures: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "title": result.path.name,
        "path": str(result.path),
        "failures": result.failures,
        "faces": [],
        "picture": None,
        "folder": quote(result.name) if result.files is not None else None,
    }
    if result.files is None or not pictures:
        return shown
    shown["picture"] = _jpeg(_reduced(result.files.photo))
    shown["overlay"] = _jpeg(_reduced(result.files.overlay))
    shown["width"] = _reduced(result.files.photo).width
    box = result.faces[0].face.box
    # The slider starts in the middle of the largest face.
    centre = 50 * (box[0] + box[2]) / result.faces[0].alignment.width
    shown["cut"] = round(min(max(centre, 0), 100))
    for number, (fitted, files) in enumerate(zip(result.faces, result.files.faces, strict=True)):
        folder = f"{quote(result.name)}/{quote(files.folder.name)}"
        shown["faces"].append(_face(fitted, files, folder, number < heads))
    return shown


def _face(fitted: FittedFace, files: FaceFiles, folder: str, turns: bool) -> dict[str, Any]:
    inside = fitted.region.sum()
    seen = float((fitted.visible * fitted.region).sum() / inside) if inside else 0.0
    colour = fitted.colour_error
    return {
        "folder": folder,
        "aligned": _jpeg(files.aligned),
        "overlay": _jpeg(files.overlay),
        "masked": _jpeg(_masked(fitted, files.aligned)),
        "numbers": [
            ("size", f"{fitted.face.size:.0f} px"),
            ("landmarks off by", f"{fitted.landmark_error:.1f} % of the eye distance"),
            ("colour off by", "-" if colour is None else f"{colour:.0f} of 255 grey levels"),
            ("visible", f"{100 * seen:.0f} % of the drawn face"),
            ("yaw, pitch, roll", _pose(fitted)),
        ],
        "head": _head(files.head) if turns else None,
    }


def _pose(fitted: FittedFace) -> str:
    try:
        pose = head_pose_from_landmarks(fitted.face.landmarks)
    except ValueError:  # landmarks on one line
        return "-"
    return f"{pose.yaw:.0f}°, {pose.pitch:.0f}°, {pose.roll:.0f}°"


def _head(head: Head) -> dict[str, Any]:
    """A mesh for the viewer: 16-bit coordinates, 8-bit colours, base64."""
    vertices = (head.mesh.vertices - head.centre) / (ZOOM * head.reach)
    reach = float(np.abs(vertices).max()) or 1.0
    wide = len(vertices) > 1 << 16
    return {
        "reach": reach,
        "positions": _base64(np.rint(vertices / reach * 32767).astype("<i2").tobytes()),
        "colours": _base64(np.rint(head.colours * 255).astype(np.uint8).tobytes()),
        "triangles": _base64(head.mesh.triangles.astype("<u4" if wide else "<u2").tobytes()),
        "wide": wide,
    }


def _masked(fitted: FittedFace, aligned: Image.Image) -> Image.Image:
    """The aligned photograph, tinted blue where the face is drawn but not visible."""
    pixels = np.asarray(aligned, dtype=np.float32)
    hidden = (fitted.region * (1 - fitted.visible))[..., None]
    tint = np.array([30.0, 80.0, 230.0], dtype=np.float32)
    mixed = pixels * (1 - 0.75 * hidden) + tint * 0.75 * hidden
    mixed = np.where(fitted.region[..., None], mixed, 0.35 * pixels)
    return Image.fromarray(np.rint(np.clip(mixed, 0, 255)).astype(np.uint8))


def _reduced(image: Image.Image) -> Image.Image:
    scale = min(1.0, LARGEST_SIDE / max(image.size))
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image if scale == 1.0 else image.resize(size, Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=PHOTO_QUALITY)
    return f"data:image/jpeg;base64,{_base64(stream.getvalue())}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
