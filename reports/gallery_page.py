"""Set pictures on a page: method columns, one block of rows per photograph, even spacing."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from .gallery_tiles import Tile, Tiles

DPI = 300
TILE = 192  # pixels, about 16 mm in print
GAP = 6
GUTTER = 44  # holds one line of turned text
LINE = 30  # height of one line of text
BLOCK_GAP = 28
MARGIN = 24
MIN_WIDTH = 1150  # the legend and captions fit
TEXT_SIZE, CAPTION_SIZE = 23, 26
LEGEND = (
    "composite: the render where the method sees visible face, the photo elsewhere",
    "mask: white visible face, orange hidden, black outside the rendered region",
)
ROW_NAMES = ("photo", "visible face", "true mask"), ("render", "composite", "mask")


@dataclass(frozen=True)
class Block:
    """One photograph: its caption, its own pictures, and those of each method in page order."""

    caption: str
    photo: Tiles
    methods: tuple[Tiles, ...]


def page_png(labels: Sequence[str], blocks: Sequence[Block]) -> bytes:
    """Return the page as PNG bytes; ``labels`` name the method columns."""
    headings = ["Photo", *("\n".join(textwrap.wrap(label, 13)) for label in labels)]
    heading_height = LINE * max(heading.count("\n") + 1 for heading in headings)
    lefts = [
        MARGIN + GUTTER,
        *(MARGIN + 2 * GUTTER + (i + 1) * (TILE + GAP) for i in range(len(labels))),
    ]
    width = max(lefts[-1] + TILE + MARGIN, MIN_WIDTH)
    height = 2 * MARGIN + heading_height + sum(_height(block) + BLOCK_GAP for block in blocks)
    height += BLOCK_GAP + len(LEGEND) * LINE
    page = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(page)
    for left, heading in zip(lefts, headings, strict=True):
        position = (left + TILE / 2, MARGIN + heading_height)
        _text(draw, position, heading, "md", bold=True)
    top = MARGIN + heading_height + BLOCK_GAP
    for block in blocks:
        _draw_block(page, block, lefts, top)
        top += _height(block) + BLOCK_GAP
    for line, sentence in enumerate(LEGEND):
        draw.text((lefts[0], top + line * LINE), sentence, "#333333", _font(TEXT_SIZE, False), "la")
    stream = io.BytesIO()
    page.save(stream, format="PNG", dpi=(DPI, DPI))
    return stream.getvalue()


def _height(block: Block) -> int:
    lines = max((len(tiles.scores) for tiles in block.methods), default=0)
    return LINE + GAP + 3 * (TILE + GAP) + LINE * lines


def _draw_block(page: Image.Image, block: Block, lefts: Sequence[int], top: int) -> None:
    draw = ImageDraw.Draw(page)
    draw.text((lefts[0], top), block.caption, "black", _font(CAPTION_SIZE, False), "la")
    top += LINE + GAP
    for names, left in zip(ROW_NAMES, lefts, strict=False):
        for row, name in enumerate(names):
            _turned(page, name, (left - GAP - LINE, top + row * (TILE + GAP)))
    for tiles, left in zip((block.photo, *block.methods), lefts, strict=True):
        for row, tile in enumerate(tiles.pictures):
            _place(page, tile, (left, top + row * (TILE + GAP)), smooth=row < 2)
        for line, score in enumerate(tiles.scores):
            position = (left + TILE / 2, top + 3 * (TILE + GAP) + line * LINE)
            _text(draw, position, score, "ma")


def _place(page: Image.Image, tile: Tile, corner: tuple[int, int], smooth: bool) -> None:
    """Paste a picture at tile size, or write its word on a pale tile."""
    if not isinstance(tile, str):
        method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
        page.paste(Image.fromarray(tile).resize((TILE, TILE), method), corner)
        return
    left, top = corner
    draw = ImageDraw.Draw(page)
    draw.rectangle((left, top, left + TILE - 1, top + TILE - 1), fill="#eeeeee")
    _text(draw, (left + TILE / 2, top + TILE / 2), tile, "mm", colour="#555555")


def _turned(page: Image.Image, text: str, corner: tuple[int, int]) -> None:
    strip = Image.new("RGB", (TILE, LINE), "white")
    _text(ImageDraw.Draw(strip), (TILE / 2, LINE / 2), text, "mm", colour="#333333")
    page.paste(strip.transpose(Image.Transpose.ROTATE_90), corner)


def _text(
    draw: ImageDraw.ImageDraw,
    position: tuple[float, float],
    text: str,
    anchor: str,
    bold: bool = False,
    colour: str = "black",
) -> None:
    draw.text(position, text, colour, _font(TEXT_SIZE, bold), anchor, align="center")


def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib ships it, so that every machine sets the same page."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
