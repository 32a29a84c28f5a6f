"""The readers that the attacks are given to; each imports no more than it needs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def _called(module: str, function: str) -> Callable[[Path], object]:
    """Reads with a function that takes nothing but the path."""

    def read(path: Path) -> object:
        return getattr(import_module(module), function)(path)

    return read


def _image(path: Path) -> object:
    from focsbench.data.photos import open_image

    return [open_image(path, mode) for mode in ("RGB", "L")]


def _parameters(path: Path) -> object:
    from focsbench.data.predictions import PredictionFolder

    return PredictionFolder(path.parent).parameters("0")


def _manifest(path: Path) -> object:
    from focsbench.data.predictions import PredictionFolder

    return PredictionFolder(path.parent).mm_per_unit()


def _distances(path: Path) -> object:
    from focsbench.now.distance_files import read_distances

    return read_distances(path, 2)


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


def _hdf5(path: Path) -> object:
    from focsbench.face_models.hdf5_arrays import Hdf5Arrays

    with Hdf5Arrays(path) as file:
        modes = file.numbers("shape/model/pcaVariance", (None,), columns=80)
        basis = file.numbers("shape/model/pcaBasis", (6, len(modes)), columns=80)
        return file.numbers("shape/model/mean", (6,)), basis


def _run_config(path: Path) -> object:
    from focsbench.runs.run_folder import RunFolder

    return RunFolder(path.parent).read_config()


def root_of(path: Path, name: str) -> Path:
    """The folder of a name above a file."""
    return next(parent for parent in path.parents if parent.name == name)


def _dataset(name: str) -> Callable[[Path], object]:
    """Reads all of a dataset; the check of the folder never refuses, it reports."""

    def read(path: Path) -> object:
        from focsbench.data.check import check_dataset
        from focsbench.data.layouts import open_dataset

        root = root_of(path, name)
        check_dataset(name, root, decode=True)
        images = open_dataset(root, name, "test", 32)
        if name == "now":
            images.scan("a"), images.scan_landmarks("a")
        return [images[number] for number in range(len(images))]

    return read


def _outputs(name: str, **options: object) -> Callable[[Path], object]:
    """Reads all outputs of a published method. options: names of files below its folder."""

    def read(path: Path) -> object:
        from focsbench.convert import adapter_class
        from focsbench.convert.adapter import Options

        root = root_of(path, name)
        given = {k: root / v if isinstance(v, str) else v for k, v in options.items()}
        adapter = adapter_class(name)(Options(**given))
        outputs = root / "out" if (root / "out").is_dir() else root
        return [adapter.read(output) for output in adapter.find(outputs).values()]

    return read


READERS: dict[str, Callable[[Path], object]] = {
    "mesh": _called("focsbench.geometry.io", "read_mesh"),
    "landmarks": _called("focsbench.geometry.io", "read_landmarks7"),
    "image": _image,
    "parameters": _parameters,
    "manifest": _manifest,
    "landmark_list": _called("focsbench.data.landmarks_csv", "read_landmarks"),
    "image_list": _called("focsbench.data.now", "read_image_list"),
    "legacy": _called("focsbench.now.legacy", "read_legacy"),
    "distances": _distances,
    "now_result": _called("focsbench.now.result", "read_json"),
    "profile": _profile,
    "weights": _weights,
    "face_model": _face_model,
    "torch": _torch,
    "matlab": _matlab,
    "hdf5": _hdf5,
    "onnx": _called("focsbench.weights.onnx_recognition", "read_onnx_recognition"),
    "dlib": _called("focsbench.data.dlib_file", "read_dlib_network"),
    "seven_points": _called("focsbench.convert.seven_points", "read_seven_points"),
    "crop": _called("focsbench.face_models.bfm2017", "read_crop"),
    "results": _called("focsbench.runs.finished", "read_results"),
    "run_config": _run_config,
    **{name: _dataset(name) for name in ("celeba", "ar", "now", "photos", "authors")},
    "mica": _outputs("mica"),
    "deca": _outputs("deca", keep_expression=True),
    "3ddfa_v2": _outputs("3ddfa_v2", model="bfm_noneck_v3.pkl"),
    "deep3d": _outputs("deep3d", model="BFM_model_front.mat"),
}
