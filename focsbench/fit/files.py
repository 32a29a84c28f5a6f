"""The files of fitted faces.

::

    <photo>/overlay.png             the photograph with the fitted faces drawn over it
    <photo>/landmarks.png           detected landmarks green, fitted ones red
    <photo>/face-1/mesh.ply         the head with its expression, mm, vertex colours
    <photo>/face-1/mesh.obj         the same
    <photo>/face-1/mesh.glb         the same in metres
    <photo>/face-1/render.png       the face as it was drawn, on transparent ground, aligned
    <photo>/face-1/aligned.png      the photograph, aligned
    <photo>/face-1/overlay.png      the one over the other
    <photo>/face-1/mask.png         where the photograph shows the face, at its size
    <photo>/face-1/parameters.npz   coefficients, pose, light, alignment, landmarks; no pickles

Faces are numbered from the largest. Photographs with an edge of more than 2048 pixels are shown
reduced; ``parameters.npz`` refers to the photograph itself.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from focsbench.data.encoding import npz_bytes
from focsbench.errors import ConfigError
from focsbench.files import write_atomically
from focsbench.fit.fitter import FittedFace, Fitter
from focsbench.fit.head import Head, glb_bytes, head_of
from focsbench.fit.pictures import PhotoCanvas, crop_picture, render_picture
from focsbench.geometry.io import obj_bytes, ply_bytes


@dataclass(frozen=True)
class FaceFiles:
    """What was written for one face, and what the page shows of it."""

    folder: Path
    head: Head
    aligned: Image.Image
    render: Image.Image
    overlay: Image.Image


@dataclass(frozen=True)
class PhotoFiles:
    """What was written for one photograph, and what the page shows of it."""

    folder: Path
    photo: Image.Image
    overlay: Image.Image
    faces: tuple[FaceFiles, ...]


def write_faces(
    folder: Path, photo: Image.Image, faces: Sequence[FittedFace], fitter: Fitter
) -> PhotoFiles:
    """Write all files of one photograph.

    Raises:
        ConfigError: if a folder cannot be made.
        StorageError: if the disk is full or a file may not be written.
    """
    canvas = PhotoCanvas(photo)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        overlay = canvas.overlay(fitter, faces)
        write_atomically(folder / "overlay.png", _png(overlay))
        write_atomically(folder / "landmarks.png", _png(canvas.marked(faces)))
        written = [
            _write_face(folder / f"face-{number}", canvas, fitted, fitter)
            for number, fitted in enumerate(faces, start=1)
        ]
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot be written ({error.strerror}); choose another --output."
        ) from None
    return PhotoFiles(folder, canvas.photo, overlay, tuple(written))


def parameters_of(fitted: FittedFace) -> dict[str, np.ndarray]:
    """Named arrays of a fitted face.

    identity (I,), expression (E,), albedo (A,), angles (3,) rad, translation (3,) mm, light
    (27,); box (4,) and landmarks68 (68, 2) as detected, fitted68 (68, 2) as fitted, pixels of the
    upright photograph; photo_size, resized_size and corner (2,) of the alignment, and its
    crop_size ().
    """
    alignment = fitted.alignment
    return {
        **fitted.latents,
        "box": np.array(fitted.face.box),
        "landmarks68": fitted.face.landmarks,
        "fitted68": alignment.points_back(fitted.landmarks),
        "photo_size": np.array([alignment.width, alignment.height], dtype=np.float64),
        "resized_size": np.array(alignment.resized, dtype=np.float64),
        "corner": np.array(alignment.corner, dtype=np.float64),
        "crop_size": np.array(float(alignment.size)),
    }


def _write_face(folder: Path, canvas: PhotoCanvas, fitted: FittedFace, fitter: Fitter) -> FaceFiles:
    folder.mkdir(exist_ok=True)
    head = head_of(fitter.model, fitted)
    aligned, render = crop_picture(fitted), render_picture(fitter, fitted, fitter.size)
    overlay = Image.alpha_composite(aligned.convert("RGBA"), render).convert("RGB")
    contents = {
        "mesh.ply": ply_bytes(head.mesh, head.colours),
        "mesh.obj": obj_bytes(head.mesh, head.colours),
        "mesh.glb": glb_bytes(head),
        "aligned.png": _png(aligned),
        "render.png": _png(render),
        "overlay.png": _png(overlay),
        "mask.png": _png(canvas.mask(fitted)),
        "parameters.npz": npz_bytes(parameters_of(fitted)),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return FaceFiles(folder, head, aligned, render, overlay)


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG", compress_level=3)
    return stream.getvalue()
