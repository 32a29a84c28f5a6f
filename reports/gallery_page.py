"""Set grids of pictures on a page, with even spacing, and encode it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from .gallery_axis import LINE, PADDING, TEXT_SIZE, TILE, Axis, font, wrapped
from .gallery_tiles import Tile

DPI = 300
MARGIN = 12
GRID_GAP = 36


@dataclass(frozen=True)
class Grid:
    """Pictures in rows and columns.

    tiles: one tuple per row, one picture (or the word in its place) per column.
    below: lines of text below the last row, one tuple per column.
    """

    rows: Axis
    columns: Axis
    tiles: tuple[tuple[Tile, ...], ...]
    below: tuple[tuple[str, ...], ...] = ()

    def lines_below(self) -> int:
        """Return how many lines of text stand below the pictures."""
        return max(map(len, self.below), default=0)


@dataclass(frozen=True)
class Block:
    """Grids side by side, the first rows level, below a caption."""

    grids: tuple[Grid, ...]
    caption: str = ""

    def width(self) -> int:
        """Return the width, pixels."""
        grids = (grid.rows.depth() + grid.columns.length() for grid in self.grids)
        return sum(grids) + GRID_GAP * (len(self.grids) - 1)

    def height(self) -> int:
        """Return the height, pixels."""
        below = max(grid.lines_below() for grid in self.grids) * LINE
        return self.top() + max(grid.rows.length() for grid in self.grids) + below

    def top(self) -> int:
        """Return where the pictures begin, below the caption and the names of the columns."""
        caption = LINE + PADDING if self.caption else 0
        return caption + max(grid.columns.depth() for grid in self.grids)


def page_png(blocks: Sequence[Block], legend: Sequence[str] = ()) -> bytes:
    """Return a page as PNG bytes: blocks below each other, then sentences in small print."""
    width = max(block.width() for block in blocks)
    notes = [line for sentence in legend for line in wrapped(sentence, width)]
    height = sum(block.height() for block in blocks) + GRID_GAP * (len(blocks) - 1)
    height += GRID_GAP + LINE * len(notes) if notes else 0
    page = Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN), "white")
    draw = ImageDraw.Draw(page)
    top = MARGIN
    for block in blocks:
        _draw_block(page, block, top)
        top += block.height() + GRID_GAP
    for number, line in enumerate(notes):
        draw.text((MARGIN, top + number * LINE), line, "#333333", font(TEXT_SIZE, False), "la")
    stream = io.BytesIO()
    page.save(stream, format="PNG", dpi=(DPI, DPI))
    return stream.getvalue()


def _draw_block(page: Image.Image, block: Block, top: int) -> None:
    draw = ImageDraw.Draw(page)
    left = MARGIN
    if block.caption:
        draw.text((left, top), block.caption, "black", font(TEXT_SIZE, False), "la")
    for grid in block.grids:
        left += grid.rows.depth()
        _draw_grid(page, grid, left, top + block.top())
        left += grid.columns.length() + GRID_GAP


def _draw_grid(page: Image.Image, grid: Grid, left: int, top: int) -> None:
    """Draw a grid whose first picture has its corner at (left, top)."""
    page.paste(grid.columns.strip(), (left, top - grid.columns.depth()))
    turned = grid.rows.strip(backwards=True).transpose(Image.Transpose.ROTATE_90)
    page.paste(turned, (left - grid.rows.depth(), top))
    for y, tiles in zip(grid.rows.places(), grid.tiles, strict=True):
        for x, tile in zip(grid.columns.places(), tiles, strict=True):
            _place(page, tile, (left + x, top + y))
    draw = ImageDraw.Draw(page)
    bottom = top + grid.rows.length() + PADDING // 2
    for x, lines in zip(grid.columns.places(), grid.below, strict=False):
        for number, line in enumerate(lines):
            position = (left + x + TILE / 2, bottom + number * LINE)
            draw.text(position, line, "black", font(TEXT_SIZE, False), "ma")


def _place(page: Image.Image, tile: Tile, corner: tuple[int, int]) -> None:
    """Paste a picture at tile size, or write its word on a pale tile."""
    if not isinstance(tile, str):
        picture = Image.fromarray(tile)
        page.paste(picture.resize((TILE, TILE), _filter(picture)), corner)
        return
    left, top = corner
    draw = ImageDraw.Draw(page)
    draw.rectangle((left, top, left + TILE - 1, top + TILE - 1), fill="#eeeeee")
    middle = (left + TILE / 2, top + TILE / 2)
    draw.text(middle, tile, "#555555", font(TEXT_SIZE, False), "mm", align="center")


def _filter(picture: Image.Image) -> Image.Resampling:
    """Few colours mean a mask, whose edges stay sharp where it is enlarged."""
    if picture.getcolors(maxcolors=8) is None:
        return Image.Resampling.BICUBIC
    return Image.Resampling.NEAREST if picture.width <= TILE else Image.Resampling.BOX
