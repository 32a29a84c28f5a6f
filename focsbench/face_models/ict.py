"""ICT-FaceKit's light face model (Li et al. 2020): a clone of its repository, or its FaceXModel.

Every shape is an OBJ file of 26,719 vertices in centimetres: the neutral mean, up to 100 principal
components of identity (mean plus one standard deviation) and 53 expressions (mean plus the full
movement, named as Apple's ARKit does). Landmarks and parts of the mesh are those that its README
lists. Kept are face, head and neck, and the eyeballs, which close the eyes; teeth, sockets, lashes
and the sheets in front of the eyes would only be in the way of a scan.

The light model has no colours: the mean albedo is one skin tone, and there are no albedo modes.
Light has a colour per channel, so skin tones can still be met, but no brows or lips.

Frame: millimetres, moved so that the five points of the mean lie on Deep3D's template.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError
from focsbench.face_models.frame import NOW_LANDMARKS, template_shift
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.face_models.plausible import check_plausible
from focsbench.geometry.io import read_mesh
from focsbench.progress import track
from focsbench.types import Mesh
from focsbench.user_files import read_bytes

VERSION = 1  # a new number makes every user's kept copy be read again
FOLDER, NEUTRAL, NAMES = "FaceXModel", "generic_neutral_mesh.obj", "vertex_indices.json"
VERTICES = 26719
FACE, NARROW_FACE, HEAD, EYES = (0, 9409), (0, 6706), (9409, 11248), (21451, 24591)
MM_PER_CM = 10.0
# A coefficient of 1 is this share of the full movement, about what natural expressions show.
EXPRESSION_SIGMA = 0.3
SKIN, EYE = (0.72, 0.55, 0.46), (0.80, 0.78, 0.76)  # display RGB
# fmt: off
LANDMARKS68 = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088,
    3443, 268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140,
    2075, 1147, 4269, 3360, 1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216,
    6207, 6470, 5517, 5966,
)
# fmt: on
_NAME = re.compile(r"[A-Za-z]{1,40}(_[LR])?")
_LARGEST_LIST = 4 << 20  # bytes; the published one has 0.2 MB
_IDENTITY = re.compile(r"identity(\d{3})\.obj")


def files(path: Path) -> list[Path]:
    """Return the files that decide the model: names, mean, identities, expressions.

    Raises:
        InputError: if one of them is missing.
    """
    folder = _folder(path)
    found = [folder / NAMES, folder / NEUTRAL, *_identities(folder)]
    found += [folder / f"{name}.obj" for name in _expressions(folder)]
    for file in found:
        if not file.is_file():
            raise InputError(
                f"{file}: is missing from this clone of ICT-FaceKit; clone it again, or pull."
            )
    return found


def read(path: Path) -> MorphableModel:
    """Read the model from a clone of the repository (some 20 seconds, with a progress bar).

    Raises:
        InputError: if a file is missing, damaged, of another mesh, or in another unit.
    """
    _, neutral, *shapes = files(path)
    mesh = _mesh(neutral)
    count = len(shapes) - len(_expressions(neutral.parent))
    kept = np.concatenate([np.arange(*part) for part in (FACE, HEAD, EYES)])
    mean = mesh.vertices[kept] * MM_PER_CM
    moved = np.stack(
        [
            (_mesh(file).vertices[kept] * MM_PER_CM - mean).astype(np.float32)
            for file in track(shapes, "reading ICT-FaceKit")
        ]
    )
    landmarks = np.searchsorted(kept, LANDMARKS68)
    eyes = _inside(kept, EYES)
    model = MorphableModel(
        name="ict",
        mean_shape=(mean + template_shift(mean[landmarks])).astype(np.float32),
        identity_basis=moved[:count],
        expression_basis=moved[count:] * np.float32(EXPRESSION_SIGMA),
        mean_albedo=np.where(eyes[:, None], EYE, SKIN).astype(np.float32),
        albedo_basis=np.zeros((0, len(kept), 3), dtype=np.float32),
        triangles=_triangles(mesh, kept),
        landmarks68=landmarks,
        landmarks7=landmarks[list(NOW_LANDMARKS)],
        regions={
            "face": _inside(kept, NARROW_FACE) | eyes,
            "face_and_ears": _inside(kept, FACE) | eyes,
            "eyes": eyes,
        },
        expression_names=tuple(file.stem for file in shapes[count:]),
    )
    check_plausible(model, path, "centimetres")
    return model


def contents(path: Path) -> list[str]:
    """Say what the folder holds. Raises InputError as :func:`read`."""
    folder = _folder(path)
    identities, expressions = _identities(folder), _expressions(folder)
    return [
        f"mean, {len(identities)} identities, {len(expressions)} expressions "
        f"of {VERTICES} vertices; no colours"
    ]


def _folder(path: Path) -> Path:
    inner = path / FOLDER
    folder = inner if inner.is_dir() else path
    if not (folder / NEUTRAL).is_file():
        raise InputError(
            f"{path}: holds no {FOLDER}/{NEUTRAL}, so it is no clone of ICT-FaceKit; "
            "clone https://github.com/ICT-VGL/ICT-FaceKit and name its folder."
        )
    return folder


def _identities(folder: Path) -> list[Path]:
    """Identity files in order; a gap in the numbers means that the clone is incomplete."""
    numbers = sorted(
        int(match[1]) for file in folder.iterdir() if (match := _IDENTITY.fullmatch(file.name))
    )
    if not numbers or numbers[-1] != len(numbers) - 1:
        gap = next((n for n, number in enumerate(numbers) if n != number), 0)
        raise InputError(
            f"{folder / f'identity{gap:03d}.obj'}: is missing from this clone of ICT-FaceKit; "
            "clone it again, or pull."
        )
    return [folder / f"identity{number:03d}.obj" for number in numbers]


def _expressions(folder: Path) -> list[str]:
    path = folder / NAMES
    data = read_bytes(path, "list of names", _LARGEST_LIST)
    try:
        names = json.loads(data)["expressions"]
    except (ValueError, KeyError, TypeError, RecursionError):
        names = None
    usable = isinstance(names, list) and all(
        isinstance(name, str) and _NAME.fullmatch(name) for name in names
    )
    if not usable or not names or len(set(names)) < len(names):
        raise InputError(
            f"{path}: does not list the expressions of ICT-FaceKit; clone it again, or pull."
        )
    return list(names)


def _mesh(path: Path) -> Mesh:
    mesh = read_mesh(path)
    if len(mesh.vertices) != VERTICES:
        raise InputError(
            f"{path}: has {len(mesh.vertices)} vertices instead of the {VERTICES} of ICT-FaceKit; "
            "clone it again, or pull."
        )
    return mesh


def _inside(kept: NDArray[np.int64], part: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray((kept >= part[0]) & (kept < part[1]))


def _triangles(mesh: Mesh, kept: NDArray[np.int64]) -> NDArray[np.int32]:
    new = np.full(VERTICES, -1, dtype=np.int64)
    new[kept] = np.arange(len(kept))
    triangles = new[mesh.triangles]
    return triangles[(triangles >= 0).all(axis=1)].astype(np.int32)
