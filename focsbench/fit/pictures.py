"""Fitted faces drawn into the photograph they come from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from focsbench.fit.fitter import LARGEST_DRAWING, FittedFace, Fitter
from focsbench.types import FloatArray

LARGEST_SIDE = 2048  # of the pictures that are written; larger photographs are shown reduced
SIZE_STEP = 64  # of drawings, pixels: one renderer serves many faces
SUPERSAMPLING = 2  # pixels of the drawing per pixel of the photograph, against jagged edges


class PhotoCanvas:
    """A photograph, reduced to `LARGEST_SIDE` if it is larger, to draw faces into."""

    def __init__(self, photo: Image.Image) -> None:
        self.scale = min(1.0, LARGEST_SIDE / max(photo.size))
        size = (max(round(photo.width * self.scale), 1), max(round(photo.height * self.scale), 1))
        self.photo = photo if self.scale == 1.0 else photo.resize(size, Image.Resampling.LANCZOS)
        self._ratio = np.array(self.photo.size) / np.array(photo.size)

    def points(self, points: FloatArray) -> FloatArray:
        """Map pixels of the photograph to pixels of the picture."""
        return np.asarray((points + 0.5) * self._ratio - 0.5)

    def overlay(self, fitter: Fitter, faces: Sequence[FittedFace]) -> Image.Image:
        """The photograph with the faces drawn over it."""
        picture = self.photo.copy()
        for fitted in faces:
            layer = _drawing(fitter, fitted, self._drawing_size(fitted))
            self._paste(picture, layer, fitted)
        return picture

    def mask(self, fitted: FittedFace) -> Image.Image:
        """The face mask in the photograph, white where the face is visible."""
        picture = Image.new("L", self.photo.size)
        values = np.rint(np.clip(fitted.visible, 0, 1) * 255).astype(np.uint8)
        placed = self._placed(Image.fromarray(values), fitted)
        if placed is not None:
            part, corner = placed
            picture.paste(part, corner)
        return picture

    def marked(self, faces: Sequence[FittedFace]) -> Image.Image:
        """The photograph with boxes, detected landmarks (green) and fitted ones (red)."""
        picture = self.photo.copy()
        draw = ImageDraw.Draw(picture)
        for fitted in faces:
            found = self.points(fitted.face.landmarks)
            placed = self.points(fitted.alignment.points_back(fitted.landmarks))
            radius = max(fitted.face.size * self.scale / 120, 0.8)
            for points, colour in ((found, "#30e060"), (placed, "#ff4040")):
                for x, y in points.tolist():
                    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        return picture

    def _window(self, fitted: FittedFace) -> FloatArray:
        """Edges of the crop in the picture, (2, 2): left, top; right, bottom (not centres)."""
        size = fitted.alignment.size
        corners = np.array([[-0.5, -0.5], [size - 0.5, size - 0.5]])
        return np.asarray(self.points(fitted.alignment.points_back(corners)) + 0.5)

    def _drawing_size(self, fitted: FittedFace) -> int:
        window = self._window(fitted)
        wanted = math.ceil(SUPERSAMPLING * float(window[1, 0] - window[0, 0]))
        wanted = -(-wanted // SIZE_STEP) * SIZE_STEP
        return min(max(wanted, SIZE_STEP), LARGEST_DRAWING)

    def _paste(self, picture: Image.Image, layer: Image.Image, fitted: FittedFace) -> None:
        placed = self._placed(layer, fitted)
        if placed is not None:
            part, corner = placed
            picture.paste(part.convert("RGB"), corner, part.getchannel("A"))

    def _placed(
        self, layer: Image.Image, fitted: FittedFace
    ) -> tuple[Image.Image, tuple[int, int]] | None:
        """Resample a picture of the crop to whole pixels of the photograph, and its corner."""
        window = self._window(fitted)
        near = np.maximum(np.ceil(window[0]), 0).astype(int)
        far = np.minimum(np.floor(window[1]), self.photo.size).astype(int)
        if (far <= near).any():
            return None
        per_pixel = layer.width / (window[1] - window[0])
        box = np.concatenate([(near - window[0]) * per_pixel, (far - window[0]) * per_pixel])
        box = np.clip(box, 0, layer.width)
        size = (int(far[0] - near[0]), int(far[1] - near[1]))
        part = layer.resize(size, Image.Resampling.BILINEAR, box=tuple(box.tolist()))
        return part, (int(near[0]), int(near[1]))


def render_picture(fitter: Fitter, fitted: FittedFace, size: int) -> Image.Image:
    """The fitted face on transparent ground, (size, size) RGBA."""
    return _drawing(fitter, fitted, SUPERSAMPLING * size).resize((size, size), Image.Resampling.BOX)


def crop_picture(fitted: FittedFace) -> Image.Image:
    """The aligned crop of the photograph, (S, S) RGB."""
    return Image.fromarray(np.rint(np.clip(fitted.image, 0, 1) * 255).astype(np.uint8))


def _drawing(fitter: Fitter, fitted: FittedFace, size: int) -> Image.Image:
    """The face as (size, size) RGBA."""
    image, region = fitter.draw(fitted, size)
    pixels = np.concatenate([np.clip(image, 0, 1), region[..., None]], axis=2)
    return Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
