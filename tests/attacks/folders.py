"""Hostile files inside datasets, among the outputs of methods, and in the folder of a run."""

from __future__ import annotations

import os
import pickle  # noqa: TID251 - hostile files have to be made somehow
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from attacks.arrays import COMMAND, STACKED, npy, object_npy, shaped
from attacks.case import Case, content, sparse
from attacks.harmless_folders import HARMLESS, array, head68, landmarks, matlab
from attacks.images import png, zeros
from attacks.networks import MAT

WEIGHTS = [[0.5, 0.25, 0.25]] * 51
BOMB = png(60_000, 60_000, zeros(1 << 20))
HEADER = "method,protocol,subset,subject,item,metric,value,status,reason\n"
ROW = "focs,now,all,anna,a/b/c,median,{},ok,\n"


def embedding(name: str, triangles: object, weights: object = WEIGHTS) -> Case:
    """The landmarks of FLAME with anything in them."""
    entries = {"lmk_face_idx": triangles, "lmk_b_coords": weights}
    return content(name, "points.pkl", "seven_points", pickle.dumps(entries))


def spoilt(name: str, reader: str, file: str, write: Callable[[Path], object]) -> Case:
    """A harmless folder in which one file is another."""
    path = f"{reader}/{file}"
    harmless = next(case for case in HARMLESS if case.file == path)

    def make(path: Path) -> None:
        harmless.make(path)
        path.unlink()
        write(path)

    return Case(name, path, reader, make)


def holding(data: bytes | str) -> Callable[[Path], object]:
    raw = data.encode() if isinstance(data, str) else data
    return lambda path: path.write_bytes(raw)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def nested_cells(name: bytes, shape: tuple[int, int], depth: int) -> bytes:
    """A MATLAB file in which cells lie in cells; sizes count everything inside."""
    heads = []
    for level in range(depth):
        own, rows, columns = (name, *shape) if level == 0 else (b"", 1, 1)
        padded = own.ljust(-(-len(own) // 8) * 8, b"\0")
        heads.append(
            struct.pack("<IIII", 6, 8, 1, 0)
            + struct.pack("<IIII", 5, 8, rows, columns)
            + struct.pack("<II", 1, len(own))
            + padded
        )
    size, tags = 0, []
    for head in reversed(heads):
        size += len(head)
        tags.append(struct.pack("<II", 14, size))
        size += 8
    pieces = zip(reversed(tags), heads, strict=True)
    return MAT + b"".join(tag + head for tag, head in pieces)


def points(first: str) -> bytes:
    """A landmark list whose first number is another."""
    name, _, *rest = landmarks("a.jpg").decode().split(",")
    return ",".join([name, first, *rest]).encode()


def model_of_3ddfa(**changes: np.ndarray) -> bytes:
    import pickle  # noqa: TID251 - writes what the method distributes; nothing here loads it

    content = {
        "u": 1000 * head68().reshape(-1, 1),
        "w_shp": np.zeros((204, 40), np.float32),
        "keypoints": np.arange(204),
        **changes,
    }
    return pickle.dumps(content, protocol=4)


def model_of_deep3d(**changes: np.ndarray) -> bytes:
    arrays = {
        "meanshape": head68().reshape(1, -1) / 100,
        "idBase": np.zeros((204, 80), np.float32),
        "tri": np.array([[1.0, 2.0, 3.0]]),
        "keypoints": np.arange(1.0, 69.0)[None],
        **changes,
    }
    return matlab(**arrays)


CELEBA_LIST, OFFICIAL_LIST = "all_landmarks.csv", "imagepathsvalidation.txt"
NUMBERS = landmarks("").decode().strip()
TWICE = landmarks("a.jpg", "a.png")
BASEL, NONECK, DECA_MAT = "BFM_model_front.mat", "bfm_noneck_v3.pkl", "results/photo/photo.mat"

DATASETS = (
    spoilt("photo_is_a_bomb", "photos", "a.jpg", holding(BOMB)),
    spoilt("photo_is_a_device", "photos", "a.jpg", lambda path: path.symlink_to("/dev/random")),
    spoilt("photo_is_a_pipe", "photos", "a.jpg", pipe),
    spoilt("mask_is_a_bomb", "photos", "masks/a.png", holding(BOMB)),
    spoilt("landmarks_far_away", "photos", "landmarks.csv", holding(points("1e300"))),
    spoilt("landmarks_overflow", "photos", "landmarks.csv", holding(points("-1e308"))),
    spoilt("landmarks_of_5000_digits", "photos", "landmarks.csv", holding(points("x" * 5000))),
    spoilt("subsets_end_early", "photos", "subsets.csv", holding("file,subset\na.jpg\n")),
    spoilt("subsets_in_utf16", "photos", "subsets.csv", holding("file,subset\n".encode("utf-16"))),
    spoilt(
        "list_reads_other_files", "authors", CELEBA_LIST, holding(landmarks("../../../etc/x.jpg"))
    ),
    spoilt("list_reads_absolute_paths", "authors", CELEBA_LIST, holding(landmarks("/etc/x.jpg"))),
    spoilt("list_of_endless_names", "authors", CELEBA_LIST, holding(landmarks("a" * 90_000))),
    spoilt("two_photos_of_one_key", "authors", CELEBA_LIST, holding(TWICE)),
    spoilt("number_of_5000_digits", "celeba", CELEBA_LIST, holding("9" * 5000 + NUMBERS)),
    spoilt("number_in_other_digits", "celeba", CELEBA_LIST, holding("²" + NUMBERS)),
    spoilt(
        "mapping_of_words", "celeba", "CelebA-HQ-to-CelebA-mapping.txt", holding("idx\n0 one two\n")
    ),
    spoilt("partition_is_cut", "celeba", "list_eval_partition.txt", holding("190001.jpg\n")),
    spoilt("occlusion_ends_early", "celeba", "occlusion.csv", holding("idx,subset\n0\n")),
    spoilt("identities_are_a_pipe", "celeba", "identities.csv", pipe),
    spoilt("rules_are_nested", "celeba", "policies.json", holding('{"a":' * 100_000)),
    spoilt(
        "rule_is_a_novel", "celeba", "policies.json", holding('{"subsets": "%s"}' % ("a" * 9000))
    ),
    spoilt("part_is_a_bomb", "celeba", "CelebAMask-HQ-mask-anno/0/00000_skin.png", holding(BOMB)),
    spoilt("photograph_is_text", "celeba", "CelebA-HQ-img/0.jpg", holding("hello")),
    spoilt("ar_of_unknown_condition", "ar", "landmarks.csv", holding("m-001-99.png" + NUMBERS)),
    spoilt("ar_mask_is_cut", "ar", "masks/m-001-08.png", holding(BOMB[:20])),
    spoilt("ar_photo_is_a_pipe", "ar", "images/m-001-08.png", pipe),
    spoilt("now_list_is_nothing", "now", OFFICIAL_LIST, holding("\n\n")),
    spoilt("now_list_of_endless_names", "now", OFFICIAL_LIST, holding("a/b/" + "c" * 90_000)),
    spoilt("now_scan_is_a_pipe", "now", "scans/a/scan.obj", pipe),
    spoilt("now_scan_is_a_device", "now", "scans/a/scan.obj", lambda p: p.symlink_to("/dev/zero")),
    spoilt("now_points_are_cut", "now", "scans_lmks_onlypp/a/scan.pp", holding("<PickedPoints>")),
    spoilt("now_photo_is_a_bomb", "now", "iphone_pictures/a/selfie/c.jpg", holding(BOMB)),
)
TRILLION = npy(shaped("(1000000000000, 3)"))
CELLS = nested_cells(b"landmarks3d_world", (68, 3), 30_000)
NONE = np.zeros((0, 3))
WORDS = np.array(["touch owned"] * 204)
FAR = np.full(204, 1e300)
OUTPUTS = (
    spoilt("mica_points_run_a_command", "mica", "anna/kpt7.npy", holding(object_npy())),
    spoilt("mica_points_of_a_trillion", "mica", "anna/kpt7.npy", holding(TRILLION)),
    spoilt("mica_points_far_away", "mica", "anna/kpt7.npy", holding(array(np.full((7, 3), 1e308)))),
    spoilt("mica_code_of_terabytes", "mica", "anna/identity.npy", partial(sparse, size=1 << 40)),
    spoilt("mica_mesh_is_cut", "mica", "anna/mesh.ply", holding("ply\n")),
    spoilt("deca_mat_of_nested_cells", "deca", DECA_MAT, holding(CELLS)),
    spoilt("deca_mat_of_gigabytes", "deca", DECA_MAT, holding(MAT + b"\x0e\0\0\0\0\xff\xff\xff")),
    spoilt("deca_mat_of_words", "deca", DECA_MAT, holding(matlab(landmarks3d_world=WORDS))),
    spoilt("deca_mesh_of_another", "deca", "step/a/selfie/c.obj", holding("v 0 0 0\nf 1 1 1\n")),
    spoilt("3ddfa_model_runs_a_command", "3ddfa_v2", NONECK, holding(COMMAND)),
    spoilt("3ddfa_model_evaluates", "3ddfa_v2", NONECK, holding(STACKED)),
    spoilt("3ddfa_model_is_a_pipe", "3ddfa_v2", NONECK, pipe),
    spoilt("3ddfa_model_is_a_list", "3ddfa_v2", NONECK, holding(b"\x80\x02]."))  ,
    spoilt("3ddfa_model_of_words", "3ddfa_v2", NONECK, holding(model_of_3ddfa(u=WORDS))),
    spoilt("3ddfa_rows_elsewhere", "3ddfa_v2", NONECK, holding(model_of_3ddfa(keypoints=FAR))),
    spoilt("3ddfa_triangles_of_nothing", "3ddfa_v2", "tri.pkl", holding(b"\x80\x02N.")),
    spoilt("3ddfa_code_is_text", "3ddfa_v2", "photo_param.npy", holding("hello")),
    spoilt("deep3d_corners_far", "deep3d", BASEL, holding(model_of_deep3d(tri=FAR.reshape(-1, 3)))),
    spoilt("deep3d_without_triangles", "deep3d", BASEL, holding(model_of_deep3d(tri=NONE))),
    spoilt("deep3d_model_is_a_pipe", "deep3d", BASEL, pipe),
    spoilt("deep3d_code_is_a_pickle", "deep3d", "out/photo.mat", holding(COMMAND)),
    content("points_run_a_command", "points.pkl", "seven_points", COMMAND),
    content("points_evaluate", "points.npy", "seven_points", npy(shaped("()", "|O"), STACKED)),
    content("points_of_5000_digits", "points.txt", "seven_points", "9" * 5000),
    content("points_of_thirty_digits", "points.txt", "seven_points", f"{10**30} " * 7),
    embedding("points_are_words", ["x"] * 51),
    embedding("points_beyond_all_meshes", [2**70] * 51),
    embedding("weights_are_ragged", [*range(51)], [[1]] * 50 + [[2, 3]]),
    embedding("weights_of_a_long_word", [*range(51)], [["x" * (1 << 20), *["x"] * 2000]]),
    content("crop_runs_a_command", "idxes_crop.pkl", "crop", COMMAND),
    content("crop_is_ragged", "idxes_crop.pkl", "crop", pickle.dumps({"points": [[1], [2, 3]]})),
    Case("points_are_a_pipe", "points.txt", "seven_points", os.mkfifo),
    Case("points_are_a_pipe_of_pickles", "points.pkl", "seven_points", os.mkfifo),
    Case("points_of_terabytes", "points.txt", "seven_points", partial(sparse, size=1 << 40)),
)  # fmt: skip
RUNS = (
    content("results_are_not_finite", "results.csv", "results", HEADER + ROW.format("nan")),
    content("results_are_infinite", "results.csv", "results", HEADER + ROW.format("1e999")),
    content("results_of_words", "results.csv", "results", HEADER + ROW.format("x" * 5000)),
    content("results_without_columns", "results.csv", "results", "method,value\nfocs,1\n"),
    content("results_without_rows", "results.csv", "results", HEADER),
    content("results_in_utf16", "results.csv", "results", HEADER.encode("utf-16")),
    content(
        "results_with_an_endless_field", "results.csv", "results", HEADER + '"' + "a" * 300_000
    ),
    content("results_of_a_million_columns", "results.csv", "results", HEADER + "," * 1_000_000),
    content("results_nul_bytes", "results.csv", "results", b"\0" * 4096),
    Case("results_of_terabytes", "results.csv", "results", partial(sparse, size=1 << 40)),
    Case("results_are_a_pipe", "results.csv", "results", os.mkfifo),
    content("run_config_nested", "config.json", "run_config", "[" * 200_000),
    content("run_config_is_a_list", "config.json", "run_config", "[1, 2]"),
    content("run_config_in_latin1", "config.json", "run_config", '{"name": "é"}'.encode("latin-1")),
    Case("run_config_is_a_pipe", "config.json", "run_config", os.mkfifo),
    Case("run_config_of_terabytes", "config.json", "run_config", partial(sparse, size=1 << 40)),
)
ATTACKS = (*DATASETS, *OUTPUTS, *RUNS)
