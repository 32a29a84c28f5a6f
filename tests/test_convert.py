"""Adapters on outputs of exactly the structure that methods write; shapes, not licensed data."""

from __future__ import annotations

import json
import pickle  # noqa: TID251 - writes what the methods distribute; nothing here loads it

import numpy as np
import pytest
import torch
from diagnosis_support import Head
from now_support import KEYS, face_of, write_dataset
from scipy.io import savemat

from focsbench.convert import ADAPTERS, adapter_class
from focsbench.convert.adapter import NOW_IN_68, Options
from focsbench.convert.converter import convert
from focsbench.convert.seven_points import read_seven_points
from focsbench.data.predictions import PredictionFolder
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.io import read_mesh, write_mesh
from focsbench.types import Mesh

FLAME, NONECK = 5023, 38365
HEAD = Head()


def split_to(mesh: Mesh, vertices: int) -> Mesh:
    """Cut triangles at their centroids until the mesh has so many vertices."""
    missing = vertices - len(mesh.vertices)
    assert 0 <= missing <= len(mesh.triangles)
    cut, rest = mesh.triangles[:missing], mesh.triangles[missing:]
    new = len(mesh.vertices) + np.arange(missing)
    a, b, c = cut.T
    parts = [np.stack(three, 1) for three in ((a, b, new), (b, c, new), (c, a, new))]
    centroids = mesh.vertices[cut].mean(axis=1)
    return Mesh(np.concatenate([mesh.vertices, centroids]), np.concatenate([*parts, rest]))


def landmarks_68(seven):
    """68 points of which NoW's seven are the ones that count."""
    points = np.zeros((68, 3))
    points[list(NOW_IN_68)] = seven
    return points


def nearest(mesh, points):
    return np.array([np.linalg.norm(mesh.vertices - point, axis=1).argmin() for point in points])


@pytest.fixture(scope="module")
def flame():
    """A closed head with as many vertices as FLAME, mm, and its landmarks on vertices."""
    mesh = split_to(HEAD.mesh(56), FLAME)
    return mesh, mesh.vertices[nearest(mesh, HEAD.landmarks())]


def run(name, source, output, keys=None, **options):
    adapter = adapter_class(name)(Options(**options))
    output.mkdir()
    result = convert(adapter, source, output, method=name, keys=keys, notes={})
    return result, PredictionFolder(output)


def check(folder, key, mesh, seven, unit):
    found, points = folder.geometry(key)
    assert folder.manifest["unit"] == unit
    np.testing.assert_allclose(found.vertices, mesh.vertices, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(points, seven, rtol=1e-5, atol=1e-3)
    assert len(found.triangles) == len(mesh.triangles)


def test_mica_demo(tmp_path, flame):
    mesh, seven = flame
    for name in ("anna", "bela"):
        folder = tmp_path / "output" / name
        folder.mkdir(parents=True)
        write_mesh(folder / "mesh.ply", mesh)
        write_mesh(folder / "mesh.obj", Mesh(mesh.vertices * 2, mesh.triangles))  # not read
        np.save(folder / "identity.npy", np.full(300, 0.5, np.float32))
        np.save(folder / "kpt68.npy", landmarks_68(seven)[None].astype(np.float32))
    np.save(tmp_path / "output/anna/kpt7.npy", seven.astype(np.float32))
    result, folder = run("mica", tmp_path / "output", tmp_path / "out")
    assert result.written == ["anna", "bela"]
    assert not result.failures
    for name in result.written:
        check(folder, name, mesh, seven, "mm")
    assert folder.parameters("bela")["identity"].shape == (300,)
    np.save(tmp_path / "output/anna/kpt7.npy", seven.astype(np.float32) / 1000)
    (tmp_path / "output/bela/kpt68.npy").unlink()
    result, _ = run("mica", tmp_path / "output", tmp_path / "again")
    assert "unit or landmarks are not those of this method" in result.failures["anna"]
    assert "the landmarks are missing" in result.failures["bela"]


def test_mica_on_now_is_scored_like_the_meshes_it_came_from(tmp_path, focsbench):
    dataset = write_dataset(tmp_path / "NoW")
    source = tmp_path / "output/now_test_0/predicted_meshes"
    for key in KEYS[:4]:
        mesh, seven = face_of("bela")
        stem = source / key
        stem.parent.mkdir(parents=True, exist_ok=True)
        write_mesh(stem.with_suffix(".ply"), mesh)
        np.save(stem.with_suffix(".npy"), seven)
    out = tmp_path / "mica"
    code, text, err = focsbench("convert", "mica", source.parents[1], out, "--images", dataset)
    assert code == 2  # one of the five images has no output
    assert "4 of 5 meshes converted" in text
    assert "no output for this image" in err
    scores = {}
    for folder in (source, out):
        target = tmp_path / f"{folder.name}.json"
        focsbench("now", "score", folder, dataset, "--json", target, "--workers", "1")
        images = json.loads(target.read_text())["images"]
        scores[folder.name] = [(one["image"], one["median"]) for one in images]
    for ours, theirs in zip(*scores.values(), strict=True):
        assert ours[0] == theirs[0]
        assert ours[1] == pytest.approx(theirs[1], abs=1e-4)
    target = tmp_path / "metrical.json"
    code, _, err = focsbench("now", "score", out, dataset, "--metrical", "m", "--json", target)
    assert (code, "says that the meshes are in 'mm'" in err) == (1, True)


def test_deca_validation_of_its_training(tmp_path, flame):
    mesh, seven = flame
    source = tmp_path / "NOW_validation/step_00000000"
    for key in ("s1/selfie/IMG_1", "s1/selfie/IMG_2"):
        (source / key).mkdir(parents=True)  # DECA makes a folder of pictures beside each mesh
        (source / key / "IMG_1_inputs.jpg").write_bytes(b"")
        write_mesh(source / f"{key}.obj", Mesh(mesh.vertices / 1000, mesh.triangles))
        np.save(source / f"{key}.npy", (seven / 1000).astype(np.float32))
    result, folder = run("deca", tmp_path, tmp_path / "out", ["s1/selfie/IMG_1"])
    assert result.written == ["s1/selfie/IMG_1"]
    assert result.unmatched == ["NOW_validation/step_00000000/s1/selfie/IMG_2"]
    check(folder, "s1/selfie/IMG_1", Mesh(mesh.vertices / 1000, mesh.triangles), seven / 1000, "m")


def write_deca_demo(root, mesh, seven):
    folder = root / "results" / "photo"
    folder.mkdir(parents=True)
    posed = Mesh(mesh.vertices / 1000, mesh.triangles)
    write_mesh(folder / "photo.obj", posed)
    lines = (folder / "photo.obj").read_text().splitlines()
    with_uv = [line if line[0] != "f" else " ".join(_uv(line)) for line in lines]
    (folder / "photo.obj").write_text("mtllib photo.mtl\n" + "\n".join(with_uv) + "\n")
    (folder / "photo_detail.obj").write_text("v 0 0 0 1 1 1\n")
    savemat(
        folder / "photo.mat",
        {
            "verts": posed.vertices.astype(np.float32),
            "landmarks3d_world": landmarks_68(seven / 1000).astype(np.float32),
            "landmarks2d": np.zeros((68, 2), np.float32),
        },
    )
    return folder


def _uv(line):
    return ["f", *(f"{corner}/{corner}" for corner in line.split()[1:])]


def test_deca_demo_has_an_expression(tmp_path, flame):
    mesh, seven = flame
    write_deca_demo(tmp_path, mesh, seven)
    result, _ = run("deca", tmp_path / "results", tmp_path / "refused")
    assert "carries expression and pose" in result.failures["photo"]
    assert not result.written
    result, folder = run("deca", tmp_path / "results", tmp_path / "out", keep_expression=True)
    assert result.written == ["photo"]
    check(folder, "photo", Mesh(mesh.vertices / 1000, mesh.triangles), seven / 1000, "m")


@pytest.mark.parametrize("form", ["flame_static_embedding.pkl", "landmark_embedding.npy"])
def test_deca_with_the_landmark_embedding_of_flame(tmp_path, flame, form):
    mesh, _ = flame
    demo = write_deca_demo(tmp_path, mesh, np.zeros((7, 3)))
    (demo / "photo.mat").unlink()
    result, _ = run("deca", demo, tmp_path / "refused", keep_expression=True)
    assert "name the landmark embedding of FLAME" in result.failures["."]
    rng = np.random.default_rng(0)
    triangles = rng.integers(0, 100, 51)
    wanted = [number - 17 for number in NOW_IN_68]
    weights = rng.dirichlet([1, 1, 1], 51)
    corners = nearest(mesh, HEAD.landmarks())
    for place, corner in zip(wanted, corners, strict=True):
        triangles[place] = np.flatnonzero((mesh.triangles == corner).any(axis=1))[0]
    expected = np.einsum("nk,nkd->nd", weights, mesh.vertices[mesh.triangles[triangles]])[wanted]
    path = tmp_path / form
    if form.endswith(".pkl"):
        content = {"lmk_face_idx": triangles.astype(np.uint32), "lmk_b_coords": weights}
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        content = {"static_lmk_faces_idx": triangles, "static_lmk_bary_coords": weights}
        tensors = {"dynamic_lmk_faces_idx": torch.zeros((79, 17), dtype=torch.long)}
        content |= tensors | {"full_lmk_faces_idx": np.zeros((1, 68), int)}
        np.save(path, np.array(content))  # as DECA ships it
    result, folder = run(
        "deca", tmp_path / "results", tmp_path / "out", landmarks=path, keep_expression=True
    )
    assert result.written == ["photo"]
    np.testing.assert_allclose(folder.geometry("photo")[1], expected / 1000, atol=1e-6)


def write_front_model(path, mesh, seven, rng):
    """A file with the keys, shapes and units of BFM_model_front.mat, but of another head."""
    keypoints = np.zeros(68)
    keypoints[list(NOW_IN_68)] = nearest(mesh, seven)
    basis = rng.normal(0, 0.002, (mesh.vertices.size, 80))
    mean = mesh.vertices / 100 + [0.1, 0.2, 0.3]
    savemat(
        path,
        {
            "meanshape": mean.reshape(1, -1),
            "idBase": basis,
            "exBase": np.zeros((mesh.vertices.size, 64)),
            "tri": (mesh.triangles + 1).astype(np.uint16),
            "keypoints": keypoints[None] + 1,
        },
    )
    return mean - mean.mean(axis=0), basis


def test_deep3d_coefficients_give_the_neutral_mesh(tmp_path):
    rng = np.random.default_rng(1)
    mesh = HEAD.mesh(30)
    mean, basis = write_front_model(tmp_path / "BFM_model_front.mat", mesh, HEAD.landmarks(), rng)
    source = tmp_path / "results/epoch_20_000000"
    source.mkdir(parents=True)
    code = rng.normal(size=80)
    coefficients = {"id": code[None], "exp": np.ones((1, 64)), "angle": np.ones((1, 3))}
    savemat(source / "photo.mat", {**coefficients, "lm68": np.zeros((1, 68, 2))})
    savemat(source / "other.mat", {"id": np.zeros((1, 70)), "exp": np.ones((1, 64))})
    (source / "torn.mat").write_bytes((source / "photo.mat").read_bytes()[:200])
    result, folder = run("deep3d", source, tmp_path / "out", model=tmp_path / "BFM_model_front.mat")
    assert result.written == ["photo"]
    assert "id has the shape (70,) instead of (80,)" in result.failures["other"]
    assert "cut off or damaged" in result.failures["torn"]
    expected = 100 * (mean + (basis @ code).reshape(-1, 3))
    seven = expected[nearest(mesh, HEAD.landmarks())]
    check(folder, "photo", Mesh(expected, mesh.triangles), seven, "mm")
    assert set(folder.parameters("photo")) == {"identity", "expression"}


def test_deep3d_mesh_alone(tmp_path):
    mesh = HEAD.mesh(30)
    source = tmp_path / "results"
    source.mkdir()
    write_mesh(source / "photo.obj", Mesh(mesh.vertices / 100, mesh.triangles))
    text = (source / "photo.obj").read_text().splitlines()
    coloured = [f"{line} 0.5 0.4 0.3" if line.startswith("v ") else line for line in text]
    (source / "photo.obj").write_text("\n".join(coloured) + "\n")
    (tmp_path / "ids.txt").write_text(" ".join(map(str, nearest(mesh, HEAD.landmarks()))))
    with pytest.raises(ConfigError, match=r"deep3d: .* name BFM_model_front\.mat with --model"):
        run("deep3d", source, tmp_path / "a", landmarks=tmp_path / "ids.txt")
    result, folder = run(
        "deep3d", source, tmp_path / "b", landmarks=tmp_path / "ids.txt", keep_expression=True
    )
    assert result.written == ["photo"]
    assert len(folder.geometry("photo")[0].vertices) == len(mesh.vertices)


def write_noneck(path, mesh, seven):
    """Files with the keys, shapes and units of bfm_noneck_v3.pkl and tri.pkl, of another head."""
    rng = np.random.default_rng(2)
    ids = np.zeros(68, int)
    ids[list(NOW_IN_68)] = nearest(mesh, seven)
    content = {
        "u": mesh.vertices.reshape(-1, 1) * 1000,
        "w_shp": rng.normal(0, 500, (mesh.vertices.size, 60)),
        "w_exp": np.zeros((mesh.vertices.size, 29)),
        "keypoints": np.stack([3 * ids, 3 * ids + 1, 3 * ids + 2], 1).reshape(-1),
    }
    path.write_bytes(pickle.dumps({k: v.astype("f4") for k, v in content.items()}, protocol=4))
    # float32 is exact for these whole numbers; the published file has them as floats too
    triangles = np.ascontiguousarray(mesh.triangles[:, ::-1].T)
    path.with_name("tri.pkl").write_bytes(pickle.dumps(triangles, protocol=4))
    return content


def test_3ddfa_parameters_give_the_neutral_mesh(tmp_path):
    mesh = HEAD.mesh(30)
    model = tmp_path / "bfm_noneck_v3.pkl"
    content = write_noneck(model, mesh, HEAD.landmarks())
    source = tmp_path / "results"
    source.mkdir()
    parameters = np.random.default_rng(3).normal(size=62)
    np.save(source / "photo_param.npy", parameters.astype(np.float32))
    np.save(source / "short_param.npy", parameters[:40])
    result, folder = run("3ddfa_v2", source, tmp_path / "out", model=model)
    assert result.written == ["photo"]
    assert "expected parameters as (62,) finite numbers" in result.failures["short"]
    moved = content["u"][:, 0] + content["w_shp"][:, :40] @ parameters[12:52]
    expected = Mesh(moved.reshape(-1, 3) / 1000, mesh.triangles)
    seven = expected.vertices[nearest(mesh, HEAD.landmarks())]
    check(folder, "photo", expected, seven, "mm")
    assert (folder.geometry("photo")[0].triangles == mesh.triangles).all()


def test_3ddfa_meshes_have_no_unit(tmp_path):
    mesh = split_to(HEAD.mesh(156), NONECK)
    pixels = Mesh(mesh.vertices * 2.5 + 300, mesh.triangles)
    source = tmp_path / "results"
    source.mkdir()
    write_mesh(source / "photo_obj.obj", pixels)
    two = Mesh(
        np.concatenate([pixels.vertices, pixels.vertices + 500]),
        np.concatenate([pixels.triangles, pixels.triangles + NONECK]),
    )
    write_mesh(source / "two_obj.obj", two)
    (tmp_path / "ids.txt").write_text("\n".join(map(str, nearest(mesh, HEAD.landmarks()))))
    options = {"landmarks": tmp_path / "ids.txt", "keep_expression": True}
    result, folder = run("3ddfa_v2", source, tmp_path / "out", **options)
    assert result.written == ["photo"]
    assert "which is 2 faces of 38365" in result.failures["two"]
    with pytest.raises(InputError, match="the unit of the meshes is None"):
        folder.mm_per_unit()
    with pytest.raises(ConfigError, match="the landmarks are in configs/bfm_noneck_v3"):
        adapter_class("3ddfa_v2")(Options(keep_expression=True))
    with pytest.raises(ConfigError, match="carry expression and pose"):
        adapter_class("3ddfa_v2")(Options(landmarks=tmp_path / "ids.txt"))


class Bomb:
    """What a hostile pickle does."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.target}",)


def test_a_hostile_model_runs_nothing(tmp_path):
    target = tmp_path / "was_here"
    for name in ("bfm_noneck_v3.pkl", "flame_static_embedding.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps({"u": Bomb(target)}))
    entries = {"static_lmk_faces_idx": np.zeros(51, int), "static_lmk_bary_coords": Bomb(target)}
    np.save(tmp_path / "landmark_embedding.npy", np.array({"other": Bomb(target)} | entries))
    with pytest.raises(InputError, match=r"it asks for .*system"):
        read_seven_points(tmp_path / "landmark_embedding.npy")
    entries["static_lmk_bary_coords"] = np.ones((51, 3)) / 3
    np.save(tmp_path / "landmark_embedding.npy", np.array({"other": Bomb(target)} | entries))
    assert read_seven_points(tmp_path / "landmark_embedding.npy").weights.shape == (7, 3)
    with pytest.raises(InputError, match="not readable as pickled arrays"):
        adapter_class("3ddfa_v2")(Options(model=tmp_path / "bfm_noneck_v3.pkl"))
    with pytest.raises(InputError, match="not readable as pickled arrays"):
        adapter_class("deca")(Options(landmarks=tmp_path / "flame_static_embedding.pkl"))
    assert not target.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("few.txt", "1 2 3", "has 3 numbers; write 7"),
        ("words.txt", "one two", "not readable as vertex numbers"),
        ("plain.npy", None, "holds an array of float64"),
    ],
)
def test_landmark_files_that_are_none(tmp_path, name, content, message):
    path = tmp_path / name
    np.save(path, np.zeros((7, 3))) if content is None else path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_seven_points(path)


WEIGHTS = [[0.5, 0.25, 0.25]] * 51


@pytest.mark.parametrize(
    ("triangles", "weights"),
    [
        (["x"] * 51, WEIGHTS),
        ([2**70] * 51, WEIGHTS),
        ([[1]] * 50 + [[2, 3]], WEIGHTS),
        ([*range(51)], [["0.5", 0.25, 0.25], *WEIGHTS[1:]]),
        ([*range(51)], [[1]] * 50 + [[2, 3]]),
        ([*range(51)], np.ones((51, 3), complex).tolist()),
        (np.array(["1"] * 51), WEIGHTS),
        (None, WEIGHTS),
    ],
)
def test_an_embedding_of_anything_but_numbers_is_refused(tmp_path, triangles, weights):
    path = tmp_path / "flame_static_embedding.pkl"
    path.write_bytes(pickle.dumps({"lmk_face_idx": triangles, "lmk_b_coords": weights}))
    with pytest.raises(
        InputError, match=r"flame_static_embedding\.pkl: (holds no static|not read)"
    ):
        read_seven_points(path)


def test_an_embedding_beyond_the_mesh_is_refused(tmp_path):
    path = tmp_path / "flame_static_embedding.pkl"
    for triangles in (np.full(51, 1e300), np.full(51, np.nan), np.full(51, 2**63, np.uint64)):
        path.write_bytes(pickle.dumps({"lmk_face_idx": triangles, "lmk_b_coords": WEIGHTS}))
        with pytest.raises(InputError, match="names number -1 of a mesh"):
            read_seven_points(path).on(HEAD.mesh(20))


def test_vertices_of_another_topology(tmp_path):
    (tmp_path / "ids.txt").write_text(" ".join(["99999"] * 7))
    with pytest.raises(InputError, match="names number 99999 of a mesh with"):
        read_seven_points(tmp_path / "ids.txt").on(HEAD.mesh(20))
    (tmp_path / "68.txt").write_text("\n".join(map(str, range(68))))
    seven = read_seven_points(tmp_path / "68.txt").on(
        Mesh(np.eye(3)[[0] * 68], np.zeros((1, 3), int))
    )
    assert seven.shape == (7, 3)


@pytest.mark.parametrize(
    ("names", "keys", "expected"),
    [
        (["a/b/c"], ["a/b/c"], {"a/b/c": "a/b/c"}),
        (["run/a/b/c"], ["a/b/c"], {"a/b/c": "run/a/b/c"}),
        (["a_b_c"], ["a/b/c"], {"a/b/c": "a_b_c"}),
        (["c"], ["a/b/c"], {"a/b/c": "c"}),
        (["c"], ["a/b/c", "a/x/c"], {}),  # which of them it is cannot be known
        (["x/c", "y/c"], ["a/b/c"], {}),
    ],
)
def test_outputs_are_matched_with_images(tmp_path, names, keys, expected):
    from focsbench.convert.converter import Conversion, _matched

    result = Conversion()
    found = _matched({name: tmp_path / name for name in names}, keys, result)
    assert found == {key: tmp_path / name for key, name in expected.items()}
    assert set(result.failures) == set(keys) - set(expected)


def test_command_says_what_it_needs(tmp_path, focsbench):
    code, out, _ = focsbench("convert")
    assert code == 0
    assert all(name in out for name in ADAPTERS)
    for arguments, message in (
        (["mica"], "name the folder that MICA wrote to"),
        (["prnet", tmp_path, tmp_path / "o"], "no adapter is called 'prnet'"),
        (["mica", tmp_path / "none", tmp_path / "o"], "name the folder that the method wrote to"),
        (["mica", tmp_path, tmp_path / "o"], "holds no output of MICA"),
        (["3ddfa_v2", tmp_path, tmp_path / "o"], "bfm_noneck_v3.pkl"),
    ):
        code, _, err = focsbench("convert", *arguments)
        assert (code, message in err) == (1, True), err


def test_outward_normals_are_kept(tmp_path, flame):
    """The meshes that are written are oriented as those that were read."""
    mesh, seven = flame
    write_deca_demo(tmp_path, mesh, seven)
    read = read_mesh(tmp_path / "results/photo/photo.obj")
    a, b, c = (read.vertices[read.triangles[:, corner]] for corner in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    assert volume > 0
