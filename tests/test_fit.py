"""Faces of photographs: known parameters come back, files fit, failures are named."""

import json
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from fit_support import (
    CROP,
    decoder,
    drawn_model,
    latents,
    model_of_tests,
    rendered,
    write_csv,
)
from PIL import Image

from focsbench.data.alignment import align
from focsbench.errors import CacheError, ConfigError, InputError
from focsbench.files import sha256_of
from focsbench.fit.batch import fit_photo, folder_names, photo_paths
from focsbench.fit.fitter import Fitter
from focsbench.fit.landmark_fit import Pose, fit_landmarks
from focsbench.fit.light_fit import fit_light
from focsbench.fit.pictures import PhotoCanvas
from focsbench.fit.refine import RefineSettings, robust_mask
from focsbench.fit.weights import (
    imported_weights,
    shipped_weights,
    weights_of_folder,
    weights_of_run,
)
from focsbench.geometry.io import read_mesh
from focsbench.landmarks.faces import Box, Face
from focsbench.weights.store import Record, add

SHORT = RefineSettings(iterations=60, mask_every=20)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As the command runs: threads of torch that wait for each other cost more than they do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def neutral():
    return Pose(np.zeros(80), np.zeros(64), np.zeros(3), np.zeros(3))


@pytest.mark.parametrize("yaw", [0.0, 0.5, -0.7])
def test_landmarks_alone_give_the_pose(yaw):
    truth = latents(5, yaw)
    with torch.no_grad():
        seen = decoder()(truth).landmarks[0].double().numpy()
    pose, vertices = fit_landmarks(drawn_model(), seen, CROP, neutral())
    # The outline is not what these landmarks are, so only the inner ones are met exactly.
    placed = truth._replace(
        **{
            name: torch.from_numpy(getattr(pose, name))[None].float()
            for name in ("identity", "expression", "angles", "translation")
        }
    )
    with torch.no_grad():
        found = decoder()(placed, torch.from_numpy(vertices)).landmarks[0].numpy()
    assert np.linalg.norm(found - seen, axis=1)[17:].mean() < 0.8
    assert abs(pose.angles[1] - yaw) < np.radians(5)


def test_a_landmark_far_off_hardly_moves_the_pose():
    with torch.no_grad():
        seen = decoder()(latents(5)).landmarks[0].double().numpy()
    clean, _ = fit_landmarks(drawn_model(), seen, CROP, neutral())
    seen[[36, 50]] += 40  # an eye corner and a lip point elsewhere
    dirty, _ = fit_landmarks(drawn_model(), seen, CROP, neutral())
    assert np.abs(dirty.angles - clean.angles).max() < np.radians(4)


def test_jaw_points_slide_to_the_outline_that_is_seen():
    truth = latents(5, yaw=0.6)
    pose = Pose(*(getattr(truth, name)[0].double().numpy() for name in Pose.__annotations__))
    with torch.no_grad():
        drawn = decoder()(truth)
        seen = drawn.landmarks[0].numpy()
        _, vertices = fit_landmarks(drawn_model(), seen.astype(float), CROP, pose)
        slid = decoder()(truth, torch.from_numpy(vertices)).landmarks[0].numpy()
    rows, columns = np.nonzero(drawn.region[0].numpy())

    def to_edge(point, end):
        return abs(point[0] - end(columns[rows == round(float(point[1]))]))

    # The far cheek is the one whose outline is near the nose; its own vertices have turned away.
    left_is_far = to_edge(seen[30], np.min) < to_edge(seen[30], np.max)
    end, numbers = (np.min, (2, 3, 4)) if left_is_far else (np.max, (12, 13, 14))
    for number in numbers:
        assert to_edge(slid[number], end) <= to_edge(seen[number], end)
    assert sum(to_edge(slid[n], end) + 1 < to_edge(seen[n], end) for n in numbers) >= 2


def test_light_is_found_exactly_where_the_face_is_known():
    truth = latents(2)
    with torch.no_grad():
        image = decoder()(truth).image
    dark = truth._replace(light=torch.zeros(1, 27))
    found = fit_light(decoder(), dark, image)
    with torch.no_grad():
        again = decoder()(truth._replace(light=found)).image
    assert (again - image).abs().mean() < 0.002


def test_light_ignores_what_covers_the_face():
    truth = latents(2)
    with torch.no_grad():
        image = decoder()(truth).image
    covered = image.clone()
    covered[:, :, 120:] = torch.tensor([0.1, 0.1, 0.9])[:, None, None]
    found = fit_light(decoder(), truth._replace(light=torch.zeros(1, 27)), covered)
    with torch.no_grad():
        again = decoder()(truth._replace(light=found)).image
    assert (again - image)[:, :, :120].abs().mean() < 0.01


def test_light_of_a_face_that_nothing_shows_stays():
    truth = latents(2)
    nothing = torch.zeros(1, CROP, CROP)
    with torch.no_grad():
        image = decoder()(truth).image
    assert torch.equal(fit_light(decoder(), truth, image, nothing), truth.light)


def test_the_robust_mask_leaves_out_what_covers_the_face():
    with torch.no_grad():
        drawn = decoder()(latents(2))
    photo = (drawn.image + 0.01).clone()
    photo[:, :, 100:130, 80:140] = torch.tensor([0.9, 0.1, 0.1])[:, None, None]
    mask = robust_mask(photo, drawn, None, RefineSettings())[0]
    assert mask[100:130, 80:140].max() < 0.05
    assert mask[drawn.region[0]].median() > 0.5
    assert (mask[~drawn.region[0]] == 0).all()
    silent = torch.zeros(1, CROP, CROP)
    assert robust_mask(photo, drawn, silent, RefineSettings()).sum() == 0


@pytest.fixture(scope="module")
def fitter():
    return Fitter(shipped_weights(), SHORT)


@pytest.fixture(scope="module")
def fitted(fitter):
    drawn = rendered()
    return fitter.fit(Image.fromarray(drawn.image), Face.around(drawn.landmarks))


def test_refinement_comes_closer_than_the_encoder(fitter, fitted):
    drawn = rendered()
    plain = Fitter(shipped_weights(), None).fit(
        Image.fromarray(drawn.image), Face.around(drawn.landmarks)
    )
    assert fitted.landmark_error < 0.6 * plain.landmark_error
    assert fitted.landmark_error < 2.0
    assert fitted.colour_error < plain.colour_error


def test_the_overlay_lies_on_the_face_in_the_photograph(fitter, fitted):
    drawn = rendered()
    photo = Image.fromarray(drawn.image)
    overlay = np.asarray(PhotoCanvas(photo).overlay(fitter, [fitted])).astype(float)
    changed = np.abs(overlay - drawn.image).max(axis=2) > 0
    assert (changed & ~drawn.region).sum() < 0.06 * drawn.region.sum()
    inside = np.abs(overlay - drawn.image)[drawn.region]
    assert inside.mean() < 12
    # One pixel to the side would already be worse: the placement is exact, not roughly right.
    for shift in ((0, 3), (0, -3), (3, 0), (-3, 0)):
        moved = np.roll(overlay, shift, axis=(0, 1))
        assert np.abs(moved - drawn.image)[drawn.region].mean() > inside.mean()


def test_the_mask_has_the_size_of_the_photograph(fitted):
    drawn = rendered()
    mask = np.asarray(PhotoCanvas(Image.fromarray(drawn.image)).mask(fitted)) > 127
    assert mask.shape == drawn.region.shape
    assert (mask & drawn.region).sum() > 0.7 * drawn.region.sum()
    assert (mask & ~drawn.region).sum() < 0.05 * drawn.region.sum()


def test_a_large_photograph_is_shown_reduced(monkeypatch, fitter, fitted):
    photo = Image.fromarray(rendered().image)
    monkeypatch.setattr("focsbench.fit.pictures.LARGEST_SIDE", 200)
    canvas = PhotoCanvas(photo)
    assert canvas.overlay(fitter, [fitted]).size == canvas.mask(fitted).size == (200, 165)
    np.testing.assert_allclose(canvas.points(np.array([[399.5, 329.5]])), [[199.5, 164.5]])


def test_the_same_photograph_gives_the_same_parameters(fitter, fitted):
    drawn = rendered()
    again = fitter.fit(Image.fromarray(drawn.image), Face.around(drawn.landmarks))
    for name, values in fitted.latents.items():
        np.testing.assert_array_equal(values, again.latents[name])


def test_a_face_half_outside_the_photograph(fitter):
    drawn = rendered()
    cut = Image.fromarray(drawn.image[:, 150:])
    result = fitter.fit(cut, Face.around(drawn.landmarks - np.array([150, 0])))
    assert np.isfinite(result.landmark_error)
    assert PhotoCanvas(cut).overlay(fitter, [result]).size == cut.size


def test_faces_without_enough_pixels_or_scale_are_refused(fitter):
    drawn = rendered()
    photo = Image.fromarray(drawn.image)
    width = np.ptp(drawn.landmarks, axis=0).max()
    with pytest.raises(InputError, match="only 20 pixels wide"):
        fitter.fit(photo, Face.around(drawn.landmarks * 20 / width))
    with pytest.raises(InputError):
        fitter.fit(photo, Face(Box(0, 0, 90, 90), np.zeros((68, 2))))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda points: points + 1000, "only 0 of its 68 landmarks lie in the photograph"),
        (lambda points: points * 1e300, "lie in the photograph of 400 x 330"),
        (lambda points: points[:, :1].repeat(2, axis=1), "lie on one line"),
        (lambda points: points[np.random.default_rng(1).permutation(68)], "not those of a face"),
    ],
)
def test_landmarks_of_no_face_are_refused(fitter, change, sentence):
    drawn = rendered()
    with pytest.raises(InputError, match=sentence):
        fitter.fit(Image.fromarray(drawn.image), Face.around(change(drawn.landmarks)))


def test_folder_names_never_collide(tmp_path):
    paths = [tmp_path / name for name in ("a.jpg", "sub/a.png", "A.jpg", "b.jpg", "a-2.jpg")]
    names = folder_names(paths)
    assert len({name.lower() for name in names}) == len(paths)
    assert names[:2] == ["a", "a-2"]


def test_folders_stand_for_their_photographs(tmp_path):
    for name in ("b.png", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in photo_paths([tmp_path, tmp_path / "b.png"])] == [
        "a.jpg",
        "b.png",
        "b.png",
    ]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Photographs with a list of landmarks, in the current folder, where no run is."""
    monkeypatch.chdir(tmp_path)
    drawn = rendered()
    small = Image.fromarray(drawn.image).resize((40, 33), Image.BICUBIC)
    drawn.save(tmp_path / "one.png")
    Image.fromarray(np.rot90(drawn.image)).save(tmp_path / "phone.jpg", exif=turned(6), quality=95)
    small.save(tmp_path / "tiny.png")
    Image.fromarray(drawn.image).convert("L").save(tmp_path / "grey.png")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    points = drawn.landmarks
    write_csv(
        tmp_path / "list.csv",
        one__png=points,
        phone__jpg=points,
        tiny__png=points / 10,
        grey__png=[points, points + 30, points + 3000],
        broken__jpg=points,
    )
    return tmp_path


def turned(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def test_fit_writes_every_file_and_goes_on_after_failures(photos, focsbench):
    code, out, err = focsbench(
        "fit", "one.png", "broken.jpg", "tiny.png", "nobody.png", "phone.jpg",
        "--landmarks", "list.csv", "--output", "out",
    )  # fmt: skip
    assert code == 2
    assert out.splitlines()[-1] == "out/index.html"
    assert "one.png: 1 face, landmarks off by" in out
    for sentence in ("broken.jpg: not a readable", "tiny.png: the face is only", "nobody.png: the"):
        assert sentence in err
    face = photos / "out" / "one" / "face-1"
    assert {path.name for path in face.iterdir()} == {
        "mesh.ply", "mesh.obj", "mesh.glb", "aligned.png", "render.png", "overlay.png", "mask.png",
        "parameters.npz",
    }  # fmt: skip
    check_meshes(face)
    check_parameters(face)
    # The phone's photograph is the same picture stored on its side.
    with Image.open(photos / "out" / "phone" / "overlay.png") as overlay:
        assert overlay.size == (400, 330)
    summary = json.loads((photos / "out" / "summary.json").read_text())
    errors = {
        photo["photo"]: [face["landmark_error_percent"] for face in photo["faces"]]
        for photo in summary["photos"]
    }
    assert errors["one.png"][0] == pytest.approx(errors["phone.jpg"][0], abs=0.3)
    assert errors["broken.jpg"] == errors["tiny.png"] == []
    check_page(photos / "out" / "index.html")


def test_a_detector_that_breaks_costs_one_photograph(tmp_path, photos):
    class Broken:
        def faces(self, photo):
            return {}["no such face"]

    result = fit_photo(photos / "one.png", "one", tmp_path, Broken(), None, only_largest=False)
    (failure,) = result.failures
    path = photos / "one.png"
    assert failure.startswith(f"{path}: the detector failed: KeyError: 'no such face'; ")
    assert "--landmarks" in failure
    assert result.faces == []


def check_meshes(folder):
    import trimesh

    ply, obj = read_mesh(folder / "mesh.ply"), read_mesh(folder / "mesh.obj")
    np.testing.assert_allclose(ply.vertices, obj.vertices, atol=1e-5)
    np.testing.assert_array_equal(ply.triangles, obj.triangles)
    assert 150 < np.ptp(ply.vertices[:, 1]) < 450  # a head in mm
    loaded = trimesh.load(folder / "mesh.ply", process=False)
    scene = trimesh.load(folder / "mesh.glb", process=False)
    (glb,) = scene.geometry.values()
    np.testing.assert_allclose(glb.vertices * 1000, ply.vertices, atol=1e-3)
    colours = loaded.visual.vertex_colors[:, :3].astype(float)
    lines = (folder / "mesh.obj").read_text().splitlines()[: len(ply.vertices)]
    in_obj = np.array([line.split()[4:] for line in lines], dtype=float)
    np.testing.assert_allclose(in_obj * 255, colours, atol=0.6)
    linear = glb.visual.vertex_colors[:, :3].astype(float)
    assert (linear <= colours + 1).all()  # glTF wants linear values, which are darker
    assert linear.mean() < colours.mean()


def check_parameters(folder):
    with np.load(folder / "parameters.npz", allow_pickle=False) as values:
        arrays = dict(values)
    assert arrays["identity"].shape == (80,)
    assert arrays["light"].shape == (27,)
    np.testing.assert_allclose(arrays["landmarks68"], rendered().landmarks, atol=0.006)
    off = np.linalg.norm(arrays["fitted68"] - arrays["landmarks68"], axis=1)[17:]
    assert off.mean() < 3
    alignment = align(arrays["landmarks68"], 400, 330, 224)
    assert tuple(arrays["corner"]) == alignment.corner
    assert tuple(arrays["resized_size"]) == alignment.resized


def check_page(path):
    html = path.read_text(encoding="utf-8")
    assert len(html) < 3_000_000
    assert html.count('class="head"') == 2
    assert html.count('class="failure"') == 3
    for link in re.findall(r'<a href="([^"]*)"', html):
        assert (path.parent / link).is_file(), link
    outside = re.findall(r'(?:src|href)="(?!data:)([^"]*)"', html)
    assert not [link for link in outside if "//" in link]  # opens without a network


def test_fit_takes_all_faces_or_the_largest(photos, focsbench):
    arguments = ("fit", "grey.png", "--landmarks", "list.csv", "--no-refine")
    code, out, err = focsbench(*arguments, "--output", "all")
    assert (code, "2 faces" in out) == (2, True)
    assert "grey.png, face 3 of 3: only 0 of its 68 landmarks" in err
    assert (photos / "all" / "grey" / "face-2" / "mesh.ply").is_file()
    code, out, _ = focsbench(*arguments, "--output", "first", "--face", "largest")
    assert (code, "1 face," in out) == (0, True)
    assert not (photos / "first" / "grey" / "face-2").exists()
    code, _, err = focsbench(*arguments, "--output", "none", "--smallest-face", "1000")
    assert code == 2
    assert err.count("the face is only") == 3
    assert not (photos / "none" / "grey").exists()


def test_names_in_the_page_are_escaped(photos, focsbench):
    name = "<script>alert(1)<&.png"
    (photos / "one.png").rename(photos / name)
    write_csv(photos / "list.csv", **{name.replace(".", "__"): rendered().landmarks})
    code, _, _ = focsbench("fit", name, "--landmarks", "list.csv", "--no-refine", "--output", "out")
    assert code == 0
    html = (photos / "out" / "index.html").read_text()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;&amp;.png" in html


@pytest.fixture
def run(tmp_path):
    """A run whose row FOCS was trained (not at all, but its files are those of training)."""
    from focsbench.files import write_json
    from focsbench.focs.build import build_autoencoder, build_unet, save_module
    from focsbench.focs.presets import smoke
    from focsbench.runs.run_folder import RunFolder

    folder = RunFolder(tmp_path / "run")
    folder.root.mkdir()
    write_json(folder.config, {"name": "smoke"})
    parts = {"config": {"face_model": "anny", "seed": 0, "method": smoke().model_dump(mode="json")}}
    with folder.store.writing("em", "0123456789abcdef", parts) as out:
        save_module(build_autoencoder(smoke(), "anny", 0).encoder, out / "encoder.safetensors")
        save_module(build_unet(smoke(), 0), out / "unet.safetensors")
    return folder.root


def test_networks_of_a_run_are_found_by_its_row(run):
    weights = weights_of_run(run, "focs")
    assert weights.unet is not None
    assert weights.face_model == "anny"
    assert weights_of_folder(weights.folder).config == weights.config
    drawn = rendered()
    fitter = Fitter(weights, replace(SHORT, iterations=2))
    assert fitter.segments
    fitted = fitter.fit(Image.fromarray(drawn.image), Face.around(drawn.landmarks))
    assert ((fitted.visible >= 0) & (fitted.visible <= 1)).all()
    assert (fitted.visible[~fitted.region] == 0).all()


def test_networks_that_are_not_there_are_one_sentence(run, tmp_path):
    with pytest.raises(ConfigError, match=r"no trained networks of mofa yet.*focsbench train mofa"):
        weights_of_run(run, "mofa")
    with pytest.raises(ConfigError, match="mean_face: this row is not trained"):
        weights_of_run(run, "mean_face")
    with pytest.raises(ConfigError, match="did you mean focs"):
        weights_of_run(run, "focus")
    with pytest.raises(InputError, match="not a run folder"):
        weights_of_run(tmp_path, "focs")
    with pytest.raises(ConfigError, match=r"holds no encoder\.safetensors"):
        weights_of_folder(tmp_path)
    stage = weights_of_run(run, "focs").folder
    (stage / "artefact.json").unlink()
    with pytest.raises(ConfigError, match="--preset"):
        weights_of_folder(stage)
    assert weights_of_folder(stage, "smoke").face_model == "anny"


def test_networks_of_other_settings_ask_for_the_preset(run, monkeypatch):
    monkeypatch.setattr("focsbench.fit.fitter.load_face_model", lambda *_: model_of_tests())
    folder = weights_of_run(run, "focs").folder
    with pytest.raises(CacheError, match=r"encoder\.safetensors: .*name the --preset") as caught:
        Fitter(weights_of_folder(folder, "paper"), None)
    assert "delete" not in str(caught.value)


def test_damaged_networks_are_noticed(run):
    file = weights_of_run(run, "focs").encoder
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(CacheError, match=r"encoder\.safetensors: this cached file was changed"):
        weights_of_run(run, "focs")


def keep_imported(file, name, role, **settings):
    """Keep a network under a name, as an import does."""
    facts = dict.fromkeys(("kind", "title", "licence", "origin", "source", "source_sha256"), "test")
    add(
        file.read_bytes(),
        Record(name, role=role, sha256=sha256_of(file), parameters=1, settings=settings, **facts),
    )


def test_imported_networks_are_named(run, tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    stage = weights_of_run(run, "focs").folder
    keep_imported(stage / "encoder.safetensors", "mine_r", "encoder")
    keep_imported(stage / "unet.safetensors", "mine_s", "unet")
    assert imported_weights("mine_r", "smoke").config.unet.weights is None
    both = imported_weights("mine_r, mine_s", "smoke")
    assert both.config.encoder.weights.startswith("mine_r")
    monkeypatch.setattr("focsbench.fit.fitter.load_face_model", lambda *_: model_of_tests())
    assert Fitter(both, None).segments
    assert not Fitter(imported_weights("mine_r", "smoke"), None).segments
    with pytest.raises(CacheError, match="no weights 'theirs'"):
        imported_weights("theirs", "smoke")
    with pytest.raises(ConfigError, match="NAME,NAME"):
        imported_weights("a,b,c", "smoke")


def test_an_imported_encoder_of_another_face_model_gives_only_pose_and_light(
    run, tmp_path, monkeypatch
):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    file = weights_of_run(run, "focs").encoder
    keep_imported(file, "theirs", "encoder", weights_face_model="bfm2017")
    with pytest.raises(ConfigError, match="bfm2017"):
        Fitter(imported_weights("theirs", "smoke"), None)  # their model, whose file is not named
    monkeypatch.setattr("focsbench.fit.fitter.load_face_model", lambda *_: model_of_tests())
    fitter = Fitter(imported_weights("theirs", "smoke", "anny"), None)
    with torch.no_grad():
        answer = fitter._network.encoder(torch.rand(1, 3, 96, 96))
    assert not any(block.any() for block in answer[:3])
    assert answer.light.any()


def test_stopping_keeps_what_was_fitted(photos, focsbench, monkeypatch):
    from focsbench.fit import batch

    fit_photo = batch.fit_photo

    def stop_at_the_second(path, *others):
        if path.name == "grey.png":
            raise KeyboardInterrupt
        return fit_photo(path, *others)

    monkeypatch.setattr(batch, "fit_photo", stop_at_the_second)
    arguments = ("--landmarks", "list.csv", "--no-refine", "--output", "out")
    code, out, err = focsbench("fit", "one.png", "grey.png", *arguments)
    assert (code, "Stopped after 1 of 2 photographs" in err) == (130, True)
    assert (photos / "out" / "index.html").is_file()
    assert "one.png: 1 face" in out


@pytest.mark.skipif(
    not all(map(find_spec, ("dlib", "face_recognition_models", "skimage"))),
    reason="no dlib, or no astronaut",
)
def test_the_astronaut(tmp_path, monkeypatch, focsbench):
    monkeypatch.chdir(tmp_path)  # where no run is
    data = Path(find_spec("skimage").origin).parent / "data"
    code, _, _ = focsbench("fit", data / "astronaut.png", "--output", "out")
    assert code == 0
    (photo,) = json.loads((tmp_path / "out" / "summary.json").read_text())["photos"]
    (face,) = photo["faces"]
    left, top, right, bottom = face["box"]
    assert left < 226 < right  # her nose is at (226, 127)
    assert top < 127 < bottom
    assert face["landmark_error_percent"] < 4


def test_a_face_model_with_other_modes(monkeypatch):
    whole = model_of_tests()
    small = replace(
        whole,
        name="small",
        identity_basis=whole.identity_basis[:30],
        expression_basis=whole.expression_basis[:20],
        albedo_basis=whole.albedo_basis[:10],
        expression_names=whole.expression_names[:20],
        expression_mean=0.5 * whole.expression_basis[3],
    )
    monkeypatch.setattr("focsbench.fit.fitter.load_face_model", lambda *_: small)
    drawn = rendered()
    fitter = Fitter(shipped_weights("small"), SHORT)
    fitted = fitter.fit(Image.fromarray(drawn.image), Face.around(drawn.landmarks))
    assert [len(block) for block in fitted.latents.values()] == [30, 20, 10, 3, 3, 27]
    assert fitted.landmark_error < 4
    neutral = small.shape(fitted.latents["identity"], np.zeros(20))
    with_mean = small.shape(fitted.latents["identity"]) + small.expression_mean
    np.testing.assert_allclose(neutral, with_mean, atol=1e-3)


def test_the_page_shows_so_many_photographs_and_names_the_others(photos, focsbench, monkeypatch):
    monkeypatch.setattr("focsbench.fit.page.MOST_PHOTOS", 1)
    arguments = ("--landmarks", "list.csv", "--no-refine", "--face", "largest", "--output", "out")
    code, _, _ = focsbench("fit", "one.png", "grey.png", *arguments)
    assert code == 0
    html = (photos / "out" / "index.html").read_text()
    assert html.count('class="pair"') == 1
    assert 'href="grey/overlay.png"' in html
