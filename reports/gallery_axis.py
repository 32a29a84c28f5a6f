"""Rows or columns of a gallery: where the pictures stand, and the strip with their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

TILE = 192  # pixels, about 16 mm in print
GAP = 6
GROUP_GAP = 22
TEXT_SIZE = 26  # "reconstruction" is as wide as a picture
LINE = 32  # height of one line of text
PADDING = 8  # between names and pictures, and around the rule of a group
RULE = "#777777"


@dataclass(frozen=True)
class Label:
    """Name of one row or column, and of the group that it shares with its neighbours."""

    name: str = ""
    group: str = ""


@dataclass(frozen=True)
class Axis:
    """The rows or the columns of a grid of pictures."""

    labels: tuple[Label, ...]

    def places(self) -> list[int]:
        """Return where each picture begins, pixels; groups stand further apart."""
        places = [0]
        for before, label in pairwise(self.labels):
            places.append(places[-1] + TILE + (GAP if label.group == before.group else GROUP_GAP))
        return places

    def length(self) -> int:
        """Return the length from the first picture to the end of the last, pixels."""
        return self.places()[-1] + TILE

    def depth(self) -> int:
        """Return how much room the names take across the axis, pixels."""
        rooms = [_room(self._names()), _room([lines for lines, _, _ in self._groups()])]
        return sum(room + PADDING for room in rooms if room)

    def strip(self, backwards: bool = False) -> Image.Image:
        """Draw the names above their pictures, (length, depth); ``backwards`` for rows.

        The strip of rows is turned afterwards, which puts its right end on top.
        """
        length, depth = self.length(), self.depth()
        picture = Image.new("RGB", (length, max(depth, 1)), "white")
        draw = ImageDraw.Draw(picture)

        def x(place: float) -> float:
            return length - place if backwards else place

        groups = self._groups()
        bottom = depth - PADDING
        for place, lines in zip(self.places(), self._names(), strict=True):
            _write(draw, x(place + TILE / 2), bottom, lines, bold=not groups)
        if groups:
            room = _room(self._names())
            bottom = depth - PADDING - (room + PADDING if room else 0)
            for lines, start, end in groups:
                draw.line((x(start), bottom + 3, x(end), bottom + 3), RULE, 2)
                _write(draw, x((start + end) / 2), bottom, lines, bold=True)
        return picture

    def _names(self) -> list[list[str]]:
        bold = not any(label.group for label in self.labels)
        return [wrapped(label.name, TILE, bold) for label in self.labels]

    def _groups(self) -> list[tuple[list[str], int, int]]:
        """Wrapped name, start and end of every named group."""
        groups, places = [], self.places()
        for name, members in groupby(range(len(places)), lambda i: self.labels[i].group):
            inside = list(members)
            start, end = places[inside[0]], places[inside[-1]] + TILE
            if name:
                groups.append((wrapped(name, end - start, bold=True), start, end))
        return groups


def wrapped(text: str, width: int, bold: bool = False) -> list[str]:
    """Break text between words so that its lines are not wider than ``width`` pixels.

    A single word that is too wide stays whole.
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(TEXT_SIZE, bold).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@cache
def font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib ships it, so that every machine sets the same page."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def _room(texts: Sequence[Sequence[str]]) -> int:
    return LINE * max(map(len, texts), default=0)


def _write(
    draw: ImageDraw.ImageDraw, x: float, bottom: float, lines: Sequence[str], bold: bool
) -> None:
    """Write centred lines, the last of which ends at ``bottom``."""
    for above, line in enumerate(reversed(lines)):
        position = (x, bottom - above * LINE - LINE / 2)
        draw.text(position, line, "black", font(TEXT_SIZE, bold), "mm")
