"""Predictions that no check complains about, in the forms that the official tool reads alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from diagnosis_support import Head

from focsbench.geometry.io import write_mesh

LINES = (
    "bela/selfie/IMG_3.jpg",
    "anna/multiview_neutral/IMG_0.jpg",
    "anna/multiview_occlusions/IMG_1.jpg",
    "bela/multiview_neutral/IMG_0.jpg",
)
KEYS = tuple(line.removesuffix(".jpg") for line in LINES)


def write_list(folder: Path, name: str = "imagepathstest.txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(LINES) + "\n")
    return folder / name


def write_heads(folder: Path) -> Path:
    """A head per image: even ones as .obj and .npy, odd ones as .ply and .txt."""
    for number, key in enumerate(KEYS):
        head = Head(width=74 + number)
        stem = folder / key
        stem.parent.mkdir(parents=True, exist_ok=True)
        write_mesh(stem.with_suffix((".obj", ".ply")[number % 2]), head.mesh(40))
        if number % 2:
            np.savetxt(stem.with_suffix(".txt"), head.landmarks(), fmt="%.5f")
        else:
            np.save(stem.with_suffix(".npy"), head.landmarks()[None].astype(np.float32))
    return folder


def add_colours(path: Path) -> None:
    """Give every vertex of an .obj file a colour, which the official tool takes for coordinates."""
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"{line} 1 0 0" if line[0] == "v" else line for line in lines))
