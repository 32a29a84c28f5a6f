"""Contact sheets of the embedded benchmark, to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from focsbench.data.celebahq import merge_parts
from focsbench.data.landmarks_csv import read_landmarks
from focsbench.data.now import PHOTOS
from focsbench.data.photos import open_image
from focsbench.types import FloatArray

TILE = 192
COLUMNS = 5
_COVERED = np.array([20, 90, 60], dtype=np.uint8)  # what the true mask calls "not face"


def _examples(root: Path) -> Iterator[tuple[Image.Image, Image.Image | None, FloatArray]]:
    """Yield photo, visible-face mask (None where unlabelled) and landmarks, sources in turn."""
    celeba, ar, now = root / "CelebAMask-HQ", root / "AR", root / "NoW"
    sources = [
        [
            (celeba, name, points)
            for name, points in read_landmarks(celeba / f"{split}_landmarks.csv").items()
        ]
        for split in ("train", "test")
    ]
    sources.append([(ar, n, p) for n, p in read_landmarks(ar / "landmarks.csv").items()])
    sources.append(
        [(now, n, p) for n, p in read_landmarks(now / "nowchallenge_landmarks.csv").items()]
    )
    # spread over each list, so that neighbours are not the same person
    order = [np.random.default_rng(0).permutation(len(source)) for source in sources]
    for turn in range(max(len(source) for source in sources)):
        for source, permutation in zip(sources, order, strict=True):
            if turn < len(source):
                yield _load(*source[permutation[turn]])


def _load(
    folder: Path, name: str, points: FloatArray
) -> tuple[Image.Image, Image.Image | None, FloatArray]:
    if folder.name == "AR":
        return (
            open_image(folder / "images" / name, "RGB"),
            open_image(folder / "masks" / name, "L"),
            points,
        )
    if folder.name == "NoW":
        return open_image(folder / PHOTOS / name, "RGB"), None, points
    mask = merge_parts(folder / "CelebAMask-HQ-mask-anno", int(Path(name).stem))
    return open_image(folder / "CelebA-HQ-img" / name, "RGB"), mask, points


def _tile(photo: Image.Image, mask: Image.Image | None, points: FloatArray) -> Image.Image:
    """Photo on the left; on the right the visible face and the landmarks."""
    scale = TILE / photo.width
    shown = np.asarray(photo)
    if mask is not None:
        shown = np.where(np.asarray(mask)[..., None] > 127, shown, _COVERED)
    tile = Image.new("RGB", (2 * TILE, TILE))
    tile.paste(photo.resize((TILE, TILE), Image.Resampling.LANCZOS), (0, 0))
    right = Image.fromarray(shown).resize((TILE, TILE), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(right)
    for x, y in (points + 0.5) * scale:
        draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(255, 230, 0))
    tile.paste(right, (TILE, 0))
    return tile


def save_contact_sheet(root: Path, path: Path, n: int = 30) -> None:
    """Save a picture of ``n`` photographs of a written benchmark with masks and landmarks.

    Training, test, AR and NoW photographs take turns. Right halves show the visible face (the
    whole photograph where nobody labelled it, as in NoW) and the landmark list's points.

    Raises:
        InputError: if a file of the benchmark is missing or damaged.
    """
    tiles: list[Image.Image] = []
    for photo, mask, points in _examples(root):
        if len(tiles) == n:
            break
        tiles.append(_tile(photo, mask, points))
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * 2 * TILE, rows * TILE))
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % COLUMNS * 2 * TILE, index // COLUMNS * TILE))
    sheet.save(path)
