"""Files that every reader accepts, as small as they can be, one at least for each reader.

They warm up the process that reads the attacks: what is imported and compiled on first use is no
matter of the attack that comes first. The fuzzing starts from them.
"""

from __future__ import annotations

import json
import pickle  # noqa: TID251 - writes what others distribute; nothing here loads it
import struct
from importlib import resources
from pathlib import Path

import numpy as np

from attacks import harmless_folders, harmless_networks
from attacks.arrays import DISTANCES
from attacks.case import Case, content
from attacks.harmless_folders import PP, array
from attacks.images import picture
from attacks.meshes import FACE, POINTS, TRIANGLE, ply
from attacks.weights import safetensors

POINTS7 = np.arange(21, dtype=np.float64).reshape(7, 3)
BIG_ENDIAN = struct.pack(">9f", 0, 0, 0, 1, 0, 0, 0, 1, 0) + struct.pack(">B3i", 3, 0, 1, 2)
QUADS = "v 1 1 0 0.5\ng\nf 1/1 2//2 4/3/1 -2\nf 1 2 3 # end\n"
LINEAR = {
    "bias": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]},
}
MANIFEST = {
    "method": "focs", "label": "FOCS", "unit": "mm", "dataset": "now", "image_size": 96,
    "provides": ["neutral"], "failures": {"a/b/c": "no face"},
}  # fmt: skip
RESULTS = (
    "method,protocol,subset,subject,item,metric,value,status,reason\n"
    "focs,now,all,anna,a/b/c,median,1.25,ok,\n"
    "focs,now,all,anna,a/b/d,median,,failed,no mesh\n"
)
IMAGES = {
    "png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "webp": "WEBP",
    "ppm": "PPM", "jp2": "JPEG2000", "tga": "TGA",
}  # fmt: skip


def parameters(path: Path) -> None:
    np.savez_compressed(path, identity=np.arange(4.0), light=np.zeros((9, 3), np.float32))


def official_result(path: Path) -> None:
    from focsbench.now.legacy import LegacyResult, write_legacy

    write_legacy(path, LegacyResult((np.ones(3), np.ones(2)), 1, ("a/b/c.jpg", "a/b/d.jpg")))


def now_result(path: Path) -> None:
    from focsbench.now.result import ImageScore, NowResult, summarise_group, write_json

    image = ImageScore("a/b/c.jpg", 3, 1.0, 1.0, 0.5, 4, 5.0, 0.1, ("turned: turn it",))
    group = summarise_group(2, [image], [np.array([0.5, 1.0, 1.5])])
    groups = {"b": group}
    missing = {"a/b/d.jpg": "no mesh"}
    write_json(path, NowResult("focs", "official", None, (image,), missing, group, groups, groups))


def profile(path: Path) -> None:
    text = resources.files("focsbench.profiles").joinpath("smoke.toml").read_text("utf-8")
    path.write_text(text)


def face_model(path: Path) -> None:
    from focsbench.face_models.morphable_model import MorphableModel

    corners = np.eye(3, dtype=np.float32)
    mode = corners[None]
    MorphableModel(
        name="triangle",
        mean_shape=corners,
        identity_basis=mode,
        expression_basis=mode,
        mean_albedo=corners,
        albedo_basis=mode,
        triangles=np.array([[0, 1, 2]], np.int32),
        landmarks68=np.zeros(68, np.int64),
        landmarks7=np.zeros(7, np.int64),
        regions={"face": np.ones(3, bool)},
        expression_names=("smile",),
    ).save(path)


def torch_file(path: Path, *, zipped: bool) -> None:
    import torch

    layers = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    state = {"epoch": 3, "state_dict": layers.state_dict()}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)


def embedding(path: Path) -> None:
    """The landmarks of FLAME in the form of DECA's ``landmark_embedding.npy``."""
    from focsbench.data.restricted_pickle import object_npy_bytes

    numbers = {
        "static_lmk_faces_idx": np.arange(51),
        "static_lmk_bary_coords": np.full((51, 3), 1 / 3),
        "dynamic_lmk_faces_idx": "not read",
    }
    path.write_bytes(object_npy_bytes(numbers))


def matlab_file(path: Path, *, packed: bool) -> None:
    from scipy.io import savemat

    savemat(path, {"shapeMU": np.ones((3, 1)), "note": "free"}, do_compression=packed)


HARMLESS = (
    content("obj", "head.obj", "mesh", f"# a head\n{TRIANGLE}{QUADS}"),
    content("ply", "head.ply", "mesh", ply(POINTS + FACE)),
    content("ply_big_endian", "head.ply", "mesh", ply(BIG_ENDIAN, form="binary_big_endian")),
    content("ply_text", "head.ply", "mesh", ply(b"0 0 0 1 0 0 0 1e0 0 3 0 1 2\n", form="ascii")),
    content("npy", "head.npy", "landmarks", array(POINTS7)),
    content("txt", "head.txt", "landmarks", "# seven\n" + "1.5 2 3e1\n" * 7),
    content(
        "pp", "head.pp", "landmarks", PP.format('<point x="1" y="2.5" z="-3" name="1"/>\n' * 7)
    ),
    *(
        content(form.lower(), f"photo.{suffix}", "image", picture(form))
        for suffix, form in IMAGES.items()
    ),
    Case("npz", "0_parameters.npz", "parameters", parameters),
    content(
        "manifest",
        "manifest.json",
        "manifest",
        json.dumps(MANIFEST, indent=1),
    ),
    content(
        "landmark_list",
        "landmarks.csv",
        "landmark_list",
        "".join(f"{name}.jpg{',12.5' * 136}\n" for name in "ab"),
    ),
    content("image_list", "imagepathsvalidation.txt", "image_list", "a/b/c.jpg\na/b/d.jpg\n"),
    Case("official_result", "m_computed_distances.npy", "legacy", official_result),
    Case("distances", DISTANCES, "distances", lambda path: np.save(path, np.array([0.5, 1.0]))),
    Case("now_result", "result.json", "now_result", now_result),
    Case("profile", "mine.toml", "profile", profile),
    content("safetensors", "encoder.safetensors", "weights", safetensors(LINEAR, b"\0" * 24)),
    Case("face_model", "model.safetensors", "face_model", face_model),
    Case("pth", "net.pth", "torch", lambda path: torch_file(path, zipped=True)),
    Case("pth_of_old_torch", "net.pth", "torch", lambda path: torch_file(path, zipped=False)),
    Case("mat", "model.mat", "matlab", lambda path: matlab_file(path, packed=False)),
    Case("mat_packed", "model.mat", "matlab", lambda path: matlab_file(path, packed=True)),
    content("vertex_numbers", "points.txt", "seven_points", "1 2 3 4, 5 6 7\n"),
    Case("landmark_embedding", "landmark_embedding.npy", "seven_points", embedding),
    content(
        "flame_embedding",
        "flame_static_embedding.pkl",
        "seven_points",
        pickle.dumps({"lmk_face_idx": [*range(51)], "lmk_b_coords": [[0.5, 0.25, 0.25]] * 51}),
    ),
    content(
        "crop",
        "idxes_crop.pkl",
        "crop",
        pickle.dumps({"points": np.arange(36_000, dtype=np.int32)}),
    ),
    content("results", "results.csv", "results", RESULTS),
    content("run_config", "config.json", "run_config", '{"name": "mine", "seed": 0}'),
    *harmless_folders.HARMLESS,
    *harmless_networks.HARMLESS,
)
