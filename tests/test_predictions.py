from __future__ import annotations

import contextlib
import json
import zipfile

import numpy as np
import pytest
from attacks.arrays import crowded
from geometry_support import grid_face
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.data.predictions import PredictionFolder, PredictionWriter, read_reconstruction
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.io import write_mesh
from focsbench.types import Mesh, Reconstruction

KEY = "subject_1/selfie/IMG_0001"


def reconstruction(seed=0, size=8):
    rng = np.random.default_rng(seed)
    mesh, landmarks = grid_face(6, seed)
    return Reconstruction(
        neutral=mesh,
        landmarks7=landmarks,
        render=rng.uniform(-0.2, 1.2, (size, size, 3)).astype(np.float32),
        region=rng.uniform(size=(size, size)) < 0.5,
        visible=rng.uniform(size=(size, size)).astype(np.float32),
        parameters={"identity": rng.normal(size=80).astype(np.float32), "pose": np.zeros(6)},
        seconds=0.125,
    )


def writer(folder, **changes):
    arguments = {"method": "focs", "label": "FOCS", "dataset": "now", "image_size": 8}
    return PredictionWriter(folder, **{**arguments, **changes})


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_written_comes_back(tmp_path):
    given_ = reconstruction()
    with writer(tmp_path) as out:
        out.write(KEY, given_)
    found = read_reconstruction(tmp_path, KEY)
    np.testing.assert_allclose(found.neutral.vertices, given_.neutral.vertices, atol=1e-4)
    np.testing.assert_array_equal(found.neutral.triangles, given_.neutral.triangles)
    np.testing.assert_array_equal(found.landmarks7, given_.landmarks7)
    np.testing.assert_allclose(found.render, np.clip(given_.render, 0, 1), atol=0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(found.region, given_.region)
    np.testing.assert_allclose(found.visible, given_.visible, atol=0.5 / 255 + 1e-6)
    assert found.parameters.keys() == given_.parameters.keys()
    np.testing.assert_array_equal(found.parameters["identity"], given_.parameters["identity"])
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["provides"] == ["neutral", "region", "render", "visible"]
    assert (manifest["unit"], manifest["failures"]) == ("mm", {})
    assert json.loads((tmp_path / "seconds.json").read_text()) == {KEY: 0.125}
    assert not [name for name in files(tmp_path) if "/." in name or name.startswith(".")]


def test_the_same_reconstruction_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        with writer(tmp_path / name) as out:
            out.write(KEY, reconstruction())
            out.fail("x", "why")
    assert files(tmp_path / "a") == files(tmp_path / "b")


@settings(max_examples=20, deadline=None)
@given(st.sets(st.sampled_from(["neutral", "render", "region", "visible"])))
def test_a_method_gives_what_it_has(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("predictions")
    whole = reconstruction()
    part = {name: getattr(whole, name) for name in names}
    if "neutral" in names:
        part["landmarks7"] = whole.landmarks7
    with writer(folder) as out:
        out.write("1", Reconstruction(**part))
    found = read_reconstruction(folder, "1")
    for name in ("neutral", "render", "region", "visible"):
        assert (getattr(found, name) is not None) == (name in names)
        if names:
            assert PredictionFolder(folder).provides(name) == (name in names)


def test_failures_are_recorded_and_raised(tmp_path):
    with writer(tmp_path) as out:
        out.write("1", reconstruction())
        out.fail("2", "no face found")
    source = PredictionFolder(tmp_path)
    for read in (source.geometry, source.render, source.region, source.visible, source.parameters):
        with pytest.raises(InputError, match="2: the method failed on this image: no face found"):
            read("2")
    with pytest.raises(InputError, match="no face found"):
        read_reconstruction(tmp_path, "2")
    with pytest.raises(InputError, match=r"3.obj .or .ply.: the mesh is missing"):
        read_reconstruction(tmp_path, "3")
    with pytest.raises(InputError, match=r"3_render\.png: the image is missing"):
        source.render("3")


def test_a_method_that_failed_everywhere_is_asked_for_everything(tmp_path):
    with writer(tmp_path) as out:
        out.fail("1", "crashed")
    assert all(PredictionFolder(tmp_path).provides(name) for name in ("neutral", "visible"))


@pytest.mark.parametrize("name", ["landmarks7", "render", "visible", "neutral", "parameters"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, name):
    bad = reconstruction()
    target = {"neutral": bad.neutral.vertices, "parameters": bad.parameters["pose"]}.get(
        name, getattr(bad, name)
    )
    target.flat[3] = np.nan
    with writer(tmp_path) as out, pytest.raises(InputError, match=f"{KEY}: .* not finite"):
        out.write(KEY, bad)
    assert files(tmp_path).keys() == {"manifest.json"}


def test_an_error_leaves_no_manifest(tmp_path):
    out = writer(tmp_path)
    with contextlib.suppress(KeyboardInterrupt), out:
        out.write(KEY, reconstruction())
        raise KeyboardInterrupt
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize("key", ["", "../x", "a/../../x", "/etc/x", "a\\b"])
def test_keys_cannot_leave_the_folder(tmp_path, key):
    with writer(tmp_path / "inside") as out, pytest.raises(InputError, match="not a usable"):
        out.write(key, reconstruction())
    with pytest.raises(InputError, match="not a usable"):
        read_reconstruction(tmp_path / "inside", key)


def test_an_unwritable_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"), writer(tmp_path / "file") as out:
        out.write(KEY, reconstruction())


def test_units(tmp_path):
    with writer(tmp_path) as out:
        out.write(KEY, reconstruction())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "unit": "m"}))
    found = read_reconstruction(tmp_path, KEY)
    np.testing.assert_allclose(
        found.neutral.vertices, 1000 * reconstruction().neutral.vertices, rtol=1e-5, atol=1e-2
    )
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "unit": "inch"}))
    with pytest.raises(InputError, match="unit of the meshes is 'inch'"):
        read_reconstruction(tmp_path, KEY)


def test_a_plain_official_folder_is_accepted(tmp_path):
    mesh, landmarks = grid_face(6)
    stem = tmp_path / KEY
    stem.parent.mkdir(parents=True)
    write_mesh(stem.with_suffix(".obj"), mesh)
    write_mesh(stem.with_suffix(".ply"), Mesh(mesh.vertices * 5, mesh.triangles))
    np.savetxt(stem.with_suffix(".txt"), landmarks)
    source = PredictionFolder(tmp_path)
    assert source.provides("neutral")
    assert not source.provides("render")
    found, points = source.geometry(KEY)  # .obj wins
    np.testing.assert_allclose(found.vertices, mesh.vertices, atol=1e-5)
    assert points.dtype == np.float32
    np.save(stem.with_suffix(".npy"), landmarks + 1)  # .npy wins
    np.testing.assert_array_equal(source.geometry(KEY)[1], landmarks + 1)
    assert read_reconstruction(tmp_path, KEY).render is None
    with pytest.raises(InputError, match="the unit of the meshes is None"):
        source.mm_per_unit()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not readable as JSON"),
        (b"\xff\xfe", "not readable as a manifest"),
        (b"[" * 100_000, "not readable as JSON"),
        (b"[]", "expected an object"),
        (b'{"failures": []}', "expected an object"),
        (b'{"provides": "render"}', "expected an object"),
    ],
)
def test_damaged_manifests(tmp_path, content, words):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=words):
        PredictionFolder(tmp_path)
    with pytest.raises(InputError, match="no such predictions folder"):
        PredictionFolder(tmp_path / "nowhere")


def test_damaged_files(tmp_path):
    with writer(tmp_path) as out:
        out.write("1", reconstruction())
    source = PredictionFolder(tmp_path)
    for suffix, read in (
        (".ply", source.geometry),
        (".npy", source.geometry),
        ("_render.png", source.render),
        ("_region.png", source.region),
        ("_visible.png", source.visible),
        ("_parameters.npz", source.parameters),
    ):
        path = tmp_path / f"1{suffix}"
        whole = path.read_bytes()
        for damaged in (b"", whole[: len(whole) // 2], b"\x00" * 100):
            path.write_bytes(damaged)
            with pytest.raises(InputError, match=path.name):
                read("1")
        path.write_bytes(whole)


def test_parameters_of_strangers(tmp_path):
    path = tmp_path / "1_parameters.npz"
    np.savez(path, evil=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="not readable as parameters"):
        PredictionFolder(tmp_path).parameters("1")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.npy", bytes(65 << 20))
    with pytest.raises(InputError, match="too large"):
        PredictionFolder(tmp_path).parameters("1")
    for zip64 in (True, False):
        path.write_bytes(crowded(100_000, zip64=zip64))
        with pytest.raises(InputError, match="its list of contents is too long"):
            PredictionFolder(tmp_path).parameters("1")
    np.savez(path, **{f"mode{number}": np.zeros(1) for number in range(257)})
    with pytest.raises(InputError, match="257 members, more than 256"):
        PredictionFolder(tmp_path).parameters("1")
    np.savez(path, **{f"mode{number}": np.zeros(1) for number in range(256)})
    assert len(PredictionFolder(tmp_path).parameters("1")) == 256
