"""Four photographs of two people, in the layouts of CelebAMask-HQ and NoW, made in a second.

The face model itself is photographed, so everything about the photographs is known exactly: each
person once with a neutral face from the front, once turned and with an open mouth. One person is
in the one dataset, half hidden by a bar in one photograph, the other person in the other. They are
for rehearsals only: no number made from them means anything.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from focsbench.data.landmarks_csv import write_landmarks
from focsbench.data.now import LANDMARK_LIST, PHOTOS
from focsbench.face_models import load_face_model
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.focs.autoencoder import FaceDecoder
from focsbench.geometry.io import write_mesh
from focsbench.networks.resnet import Latents
from focsbench.types import BoolArray, FloatArray, Mesh

SIDE = 128  # of the photographs, pixels
PEOPLE = 2
SHOTS = ("multiview_neutral", "multiview_expressions")
_BAR = (slice(70, 90), slice(20, 108))  # rows and columns hidden in one photograph
_TEST_SPLIT = 190_000  # an index of CelebA that belongs to the test split
_JAW = 2.0  # coefficient of every expression that moves the mouth corners down


@dataclass(frozen=True)
class Photo:
    """One photograph and all that is known about it.

    pixels (S, S, 3) uint8 and the same without what hides the face; visible (S, S) bool;
    landmarks (68, 2) pixels.
    """

    person: int
    shot: str
    pixels: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    visible: BoolArray
    landmarks: FloatArray

    @property
    def key(self) -> str:
        """Key of the photograph in NoW."""
        return f"TINY_{self.person}/{self.shot}/IMG_0000"


def write_tiny_data(root: Path) -> dict[str, Path]:
    """Write both layouts, and the exact answers beside them; return the folders by dataset name.

    The same bytes every time.

    Args:
        root: existing empty folder.
    """
    model = load_face_model()
    rng = np.random.default_rng(0)
    identities = rng.normal(0, 0.7, (PEOPLE, 80)).astype(np.float32)
    photos = [
        [_photograph(model, identities[person], person, shot, rng) for shot in SHOTS]
        for person in range(PEOPLE)
    ]
    head = Mesh(model.shape(identities[0]), model.triangles)
    celeba, now, answers = root / "CelebAMask-HQ", root / "NoW", root / "ground_truth"
    _write_celeba(celeba, answers / celeba.name, photos[1])
    _write_now(now, answers / now.name, photos[0], head, model.landmarks7)
    return {"celeba": celeba, "now": now}


def _photograph(
    model: MorphableModel,
    identity: NDArray[np.float32],
    person: int,
    shot: str,
    rng: np.random.Generator,
) -> Photo:
    turned = shot != SHOTS[0]
    expression = np.zeros(64, dtype=np.float32)
    if turned:
        expression[_mouth_openers(model)] = _JAW
    latents = Latents(
        identity=torch.from_numpy(identity)[None],
        expression=torch.from_numpy(expression)[None],
        albedo=torch.from_numpy(rng.normal(0, 0.7, (1, 80)).astype(np.float32)),
        angles=torch.tensor([[0.1, 0.35, 0.05] if turned else [0.0, 0.0, 0.0]]),
        translation=torch.zeros(1, 3),
        light=torch.zeros(1, 27),
    )
    with torch.no_grad():
        decoded = FaceDecoder(model.crop("face"), SIDE)(latents)
    face = decoded.image[0].permute(1, 2, 0).numpy()
    region = decoded.region[0].numpy()
    background = rng.uniform(0.2, 0.5, (SIDE, SIDE, 3))
    clean = np.rint(np.clip(np.where(region[..., None], face, background), 0, 1) * 255)
    clean = clean.astype(np.uint8)
    pixels, visible = clean.copy(), region.copy()
    if person == 1 and not turned:
        pixels[_BAR], visible[_BAR] = 90, False
    landmarks = decoded.landmarks[0].numpy().astype(float)
    return Photo(person, shot, pixels, clean, visible, landmarks)


def _mouth_openers(model: MorphableModel) -> list[int]:
    """Expressions that lower the chin by more than they move the brows."""
    chin, brow = model.landmarks68[8], model.landmarks68[19]
    drop = -model.expression_basis[:, chin, 1]
    return [
        int(i) for i in np.argsort(drop)[-2:] if drop[i] > abs(model.expression_basis[i, brow, 1])
    ]


def _write_celeba(folder: Path, answers: Path, photos: Sequence[Photo]) -> None:
    images, masks = folder / "CelebA-HQ-img", folder / "CelebAMask-HQ-mask-anno" / "0"
    for made in (images, masks, answers):
        made.mkdir(parents=True)
    for number, photo in enumerate(photos):
        _save(photo.pixels, images / f"{number}.jpg")
        _save(photo.clean, answers / f"{number}.png")
        _save(photo.visible.astype(np.uint8) * 255, masks / f"{number:05d}_skin.png")
    points = [(f"{number}.jpg", photo.landmarks) for number, photo in enumerate(photos)]
    for name in ("test", "all"):
        write_landmarks(folder / f"{name}_landmarks.csv", points)
    lines = ["idx orig_idx orig_file"]
    lines += [f"{i} {_TEST_SPLIT + i} {_TEST_SPLIT + i + 1}.jpg" for i in range(len(photos))]
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(lines) + "\n")
    _write_table(folder / "occlusion.csv", "subset", [_subset(photo) for photo in photos])
    people = [f"TINY_{photo.person}" for photo in photos]
    _write_table(folder / "identities.csv", "subject", people)


def _subset(photo: Photo) -> str:
    return "unoccluded" if np.array_equal(photo.pixels, photo.clean) else "occluded"


def _write_table(path: Path, column: str, values: Sequence[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("idx", column), *enumerate(values)])


def _write_now(
    folder: Path,
    answers: Path,
    photos: Sequence[Photo],
    head: Mesh,
    landmarks7: NDArray[np.int64],
) -> None:
    answers.mkdir(parents=True)
    for photo in photos:
        path = folder / PHOTOS / f"{photo.key}.jpg"
        path.parent.mkdir(parents=True)
        _save(photo.pixels, path)
    lines = [f"{photo.key}.jpg" for photo in photos]
    (folder / "imagepathsvalidation.txt").write_text("\n".join(lines) + "\n")
    points = zip(lines, (photo.landmarks for photo in photos), strict=True)
    write_landmarks(folder / LANDMARK_LIST, points)
    name, points7 = f"TINY_{photos[0].person}", head.vertices[landmarks7]
    write_mesh(answers / f"{name}.ply", head)
    np.save(answers / f"{name}.npy", points7)
    scan, picked = folder / "scans" / name, folder / "scans_lmks_onlypp" / name
    for made in (scan, picked):
        made.mkdir(parents=True)
    write_mesh(scan / "scan.obj", head)
    (picked / "scan_picked_points.pp").write_text(_picked_points(points7))


def _picked_points(points: FloatArray) -> str:
    rows = [f'<point x="{x:.6f}" y="{y:.6f}" z="{z:.6f}"/>' for x, y, z in points.tolist()]
    return "\n".join(["<!DOCTYPE PickedPoints>", "<PickedPoints>", *rows, "</PickedPoints>", ""])


def _save(pixels: NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(pixels).save(path, quality=95)
