"""The readers that the attacks are given to; each imports no more than it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def _mesh(path: Path) -> object:
    from focsbench.geometry.io import read_mesh

    return read_mesh(path)


def _landmarks(path: Path) -> object:
    from focsbench.geometry.io import read_landmarks7

    return read_landmarks7(path)


def _image(path: Path) -> object:
    from focsbench.data.photos import open_image

    return [open_image(path, mode) for mode in ("RGB", "L")]


def _parameters(path: Path) -> object:
    from focsbench.data.predictions import PredictionFolder

    return PredictionFolder(path.parent).parameters("0")


def _manifest(path: Path) -> object:
    from focsbench.data.predictions import PredictionFolder

    return PredictionFolder(path.parent).mm_per_unit()


def _landmark_list(path: Path) -> object:
    from focsbench.data.landmarks_csv import read_landmarks

    return read_landmarks(path)


def _image_list(path: Path) -> object:
    from focsbench.data.now import read_image_list

    return read_image_list(path)


def _legacy(path: Path) -> object:
    from focsbench.now.legacy import read_legacy

    return read_legacy(path)


def _now_result(path: Path) -> object:
    from focsbench.now.result import read_json

    return read_json(path)


def _profile(path: Path) -> object:
    from focsbench.profiles.profile import load_profile

    return load_profile(str(path))


def _weights(path: Path) -> object:
    from torch import nn

    from focsbench.focs.build import load_module

    return load_module(nn.Linear(2, 2), path)


def _face_model(path: Path) -> object:
    from focsbench.face_models.morphable_model import MorphableModel

    return MorphableModel.load(path)


def _torch(path: Path) -> object:
    from focsbench.data.torch_file import TorchFile

    with TorchFile(path) as file:
        return list(file.tensors)


def _matlab(path: Path) -> object:
    from focsbench.face_models.mat_arrays import read_mat

    return read_mat(path, {"shapeMU": (3, 1)})


READERS: dict[str, Callable[[Path], object]] = {
    "mesh": _mesh,
    "landmarks": _landmarks,
    "image": _image,
    "parameters": _parameters,
    "manifest": _manifest,
    "landmark_list": _landmark_list,
    "image_list": _image_list,
    "legacy": _legacy,
    "now_result": _now_result,
    "profile": _profile,
    "weights": _weights,
    "face_model": _face_model,
    "torch": _torch,
    "matlab": _matlab,
}
