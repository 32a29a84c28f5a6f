"""A tiny dataset in the layout of NoW on disk, and predictions for it in the official form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from geometry_support import grid_face

from focsbench.geometry.io import write_mesh
from focsbench.types import Mesh

LINES = (
    "bela/selfie/IMG_3.jpg",
    "anna/multiview_neutral/IMG_0.jpg",
    "anna/multiview_occlusions/IMG_1.jpg",
    "bela/multiview_neutral/IMG_0.jpg",
    "anna/selfie/IMG_2.jpg",
)
KEYS = tuple(line.removesuffix(".jpg") for line in LINES)
SUBJECTS = ("anna", "bela")


def face_of(subject: str) -> tuple[Mesh, np.ndarray]:
    return grid_face(26, seed=ord(subject[0]))


def write_dataset(root: Path, lines=LINES) -> Path:
    """Scans as .obj, their landmarks as .pp, and the image list; no photographs."""
    root.mkdir(parents=True)
    (root / "imagepathsvalidation.txt").write_text("\n".join(lines) + "\n")
    for subject in SUBJECTS:
        mesh, landmarks = face_of(subject)
        for name in ("scans", "scans_lmks_onlypp"):
            (root / name / subject).mkdir(parents=True)
        write_mesh(root / "scans" / subject / "scan.obj", mesh)
        points = [
            f' <point x="{x:.6f}" y="{y:.6f}" z="{z:.6f}" active="1" name="{number}"/>'
            for number, (x, y, z) in enumerate(landmarks)
        ]
        text = ["<!DOCTYPE PickedPoints>", "<PickedPoints>", *points, "</PickedPoints>"]
        (root / "scans_lmks_onlypp" / subject / "scan.pp").write_text("\n".join(text) + "\n")
    return root


def predicted(key: str) -> tuple[Mesh, np.ndarray]:
    """Another, larger face in metres, turned and moved; its own for every image."""
    subject = key.split("/")[0]
    mesh, landmarks = face_of(subject)
    rng = np.random.default_rng(len(key) + ord(key[-1]))
    wave = np.sin(mesh.vertices / 20 + rng.uniform(0, 6, 3)) * [0, 0, 2.5]
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    vertices, points = ((part @ turn.T + 5) / 1000 for part in (mesh.vertices + wave, landmarks))
    return Mesh(vertices, mesh.triangles), points


def write_prediction(folder: Path, key: str, suffixes=(".obj", ".npy")) -> None:
    mesh, landmarks = predicted(key)
    stem = folder / key
    stem.parent.mkdir(parents=True, exist_ok=True)
    mesh_suffix, landmark_suffix = suffixes
    write_mesh(stem.with_suffix(mesh_suffix), mesh)
    if landmark_suffix == ".txt":
        np.savetxt(stem.with_suffix(".txt"), landmarks, fmt="%.7f")
    else:
        np.save(stem.with_suffix(".npy"), landmarks[None])


def write_predictions(folder: Path, keys=KEYS) -> Path:
    """Every image, in the file forms in turn."""
    for number, key in enumerate(keys):
        forms = ((".obj", ".npy"), (".ply", ".txt"))
        write_prediction(folder, key, forms[number % 2])
    return folder
