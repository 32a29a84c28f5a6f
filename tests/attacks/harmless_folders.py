"""Harmless folders: datasets, outputs of published methods, and each file of them as a case."""

from __future__ import annotations

import io
import pickle  # noqa: TID251 - writes what 3DDFA_V2 distributes; nothing here loads it
from pathlib import Path

import numpy as np
from celebahq_support import face_landmarks
from numpy.lib import format as npy_format
from PIL import Image

from attacks.arrays import npy, shaped
from attacks.case import Case
from attacks.meshes import FACE, POINTS, TRIANGLE, ply
from attacks.readers import root_of

SIDE = 48  # of the photographs, pixels
MM = 214.0  # side of a square that is filled by a face, so that eye corners are 90 mm apart
FLAME = 5023
PP = "<!DOCTYPE PickedPoints>\n<PickedPoints>\n{}</PickedPoints>\n"


def array(values: np.ndarray) -> bytes:
    """A .npy file of numbers."""
    return npy(shaped(str(values.shape), npy_format.dtype_to_descr(values.dtype)), values.tobytes())


def image(form: str, *, mask: bool = False) -> bytes:
    """A photograph of noise, or a mask with a white disc."""
    rows, columns = np.indices((SIDE, SIDE))
    disc = np.hypot(rows - SIDE / 2, columns - SIDE / 2) < SIDE / 3
    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(disc if mask else noise).save(stream, format=form)
    return stream.getvalue()


def matlab(**arrays: np.ndarray) -> bytes:
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, arrays)
    return stream.getvalue()


def landmarks(*names: str) -> bytes:
    """A list with the same face in every photograph."""
    numbers = "".join(f",{value:.2f}" for value in face_landmarks(SIDE).reshape(-1))
    return "".join(f"{name}{numbers}\n" for name in names).encode()


def head68() -> np.ndarray:
    """68 points (68, 3) of a face, mm."""
    return np.column_stack([face_landmarks(MM), np.linspace(0, 50, 68)])


def head7() -> np.ndarray:
    """The seven of them that NoW uses (7, 3), mm."""
    return head68()[[36, 39, 42, 45, 33, 48, 54]]


def flame_obj() -> bytes:
    return b"".join(b"v %d 0 1\n" % number for number in range(FLAME)) + b"f 1 2 3\n"


def folder(reader: str, files: dict[str, bytes]) -> list[Case]:
    """One case for each file of a folder; the others lie beside it."""

    def make(path: Path) -> None:
        root = root_of(path, reader)
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)

    return [
        Case(f"{reader}_{name.replace('/', '_')}", f"{reader}/{name}", reader, make)
        for name in files
    ]


CELEBA = {
    "CelebA-HQ-img/0.jpg": image("JPEG"),
    "CelebAMask-HQ-mask-anno/0/00000_skin.png": image("PNG", mask=True),
    "CelebAMask-HQ-mask-anno/0/00000_hair.png": image("PNG", mask=True),
    "CelebA-HQ-to-CelebA-mapping.txt": b"idx orig_idx orig_file\n0 190000 190001.jpg\n",
    "all_landmarks.csv": landmarks("0.jpg"),
    "list_eval_partition.txt": b"190001.jpg 2\n",
    "identities.csv": b"idx,subject\n0,anna\n",
    "occlusion.csv": b"idx,subset\n0,occluded\n",
    "policies.json": b'{"visible_face": "paint-order-v1", "only_listed": "those of the paper"}',
}
AR = {
    "images/m-001-08.png": image("PNG"),
    "masks/m-001-08.png": image("PNG", mask=True),
    "landmarks.csv": landmarks("m-001-08.png"),
}
NOW = {
    "imagepathsvalidation.txt": b"a/selfie/c.jpg\n",
    "nowchallenge_landmarks.csv": landmarks("a/selfie/c.jpg"),
    "iphone_pictures/a/selfie/c.jpg": image("JPEG"),
    "scans/a/scan.obj": f"{TRIANGLE}f 1 2 3\n".encode(),
    "scans_lmks_onlypp/a/scan.pp": PP.format('<point x="1" y="2.5" z="-3"/>\n' * 7).encode(),
}
PHOTOS = {
    "a.jpg": image("JPEG"),
    "masks/a.png": image("PNG", mask=True),
    "landmarks.csv": landmarks("a.jpg"),
    "subsets.csv": b"file,subset,subject\na.jpg,glasses,anna\n",
}
AUTHORS = {
    "Dataset/a.jpg": image("JPEG"),
    "Dataset/a_visible_skin_mask.png": image("PNG", mask=True),
    "all_landmarks.csv": landmarks("a.jpg"),
}
MICA = {
    "anna/mesh.ply": ply(POINTS + FACE),
    "anna/kpt7.npy": array(head7()),
    "anna/identity.npy": array(np.zeros(300)),
    "bela/mesh.ply": ply(POINTS + FACE),
    "bela/kpt68.npy": array(head68()),
}
DECA = {
    "step/a/selfie/c.obj": flame_obj(),
    "step/a/selfie/c.npy": array(head7() / 1000),
    "results/photo/photo.obj": flame_obj(),
    "results/photo/photo.mat": matlab(landmarks3d_world=head68() / 1000),
}
TDDFA = {
    "bfm_noneck_v3.pkl": pickle.dumps(
        {
            "u": 1000 * head68().reshape(-1, 1),
            "w_shp": np.zeros((204, 40), np.float32),
            "keypoints": np.arange(204),
        },
        protocol=4,
    ),
    "tri.pkl": pickle.dumps(np.array([[0, 1], [1, 2], [2, 3]]), protocol=2),
    "photo_param.npy": array(np.zeros(62)),
}
DEEP3D = {
    "BFM_model_front.mat": matlab(
        meanshape=head68().reshape(1, -1) / 100,
        idBase=np.zeros((204, 80), np.float32),
        tri=np.array([[1.0, 2.0, 3.0]]),
        keypoints=np.arange(1.0, 69.0)[None],
    ),
    "out/photo.mat": matlab(id=np.zeros((1, 80)), exp=np.zeros((1, 64))),
}
FOLDERS = {
    "celeba": CELEBA, "ar": AR, "now": NOW, "photos": PHOTOS, "authors": AUTHORS, "mica": MICA,
    "deca": DECA, "3ddfa_v2": TDDFA, "deep3d": DEEP3D,
}  # fmt: skip
HARMLESS = tuple(case for reader, files in FOLDERS.items() for case in folder(reader, files))
