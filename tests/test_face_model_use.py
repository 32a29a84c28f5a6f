"""Face models with other numbers of modes in networks, in runs, and on the command line."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from face_model_files import write_bfm2009_front, write_bfm2017, write_ict
from hypothesis import given
from hypothesis import strategies as st
from training_support import SIZE, pack_noise, tiny_method

from focsbench.errors import CacheError, ConfigError, InputError
from focsbench.face_models import load_face_model, preview
from focsbench.face_models.recorded import record, recorded_file, recorded_model
from focsbench.focs.autoencoder import FaceDecoder
from focsbench.focs.build import build_autoencoder
from focsbench.focs.presets import load_preset
from focsbench.focs.stage_training import StageTraining
from focsbench.networks.config import EncoderConfig, LatentScales
from focsbench.networks.resnet import (
    PAPER_SIZES,
    FaceEncoder,
    LatentSizes,
    split_latents,
    transplant,
)
from focsbench.profiles.profile import load_profile
from focsbench.runs.pipeline import build_plan

MODES = (5, 3, 4)
COMPACT = EncoderConfig(architecture="compact", head="latents", hidden=16, widths=(4, 6, 8, 8))


@pytest.fixture(scope="module")
def bfm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bfm")
    return write_bfm2017(folder / "bfm.h5", MODES, "bfm2017-face12")


@pytest.fixture
def copy(bfm, tmp_path):
    return shutil.copy(bfm, tmp_path / "bfm.h5")


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_blocks_are_cut_where_the_model_says(identity, expression, albedo):
    sizes = LatentSizes(identity, expression, albedo)
    raw = torch.arange(2 * sizes.total, dtype=torch.float32).reshape(2, -1)
    scales = LatentScales(albedo=1, angles=1, translation_z=1)
    latents = split_latents(raw, scales, sizes)
    assert [block.shape[1] for block in latents] == [identity, expression, albedo, 3, 3, 27]
    assert torch.equal(latents.concatenate(), raw)


def test_released_places_hold_fewer_coefficients_but_not_more():
    config = EncoderConfig(architecture="resnet50", head="released")
    raw = torch.arange(1000.0)[None]
    latents = split_latents(raw, LatentScales(albedo=1), LatentSizes(100, 53, 0))
    assert latents.identity[0, -1] == 99
    assert latents.expression[0].tolist() == list(range(199, 252))
    assert latents.albedo.shape == (1, 0)
    with pytest.raises(ConfigError, match=r"200, 1, 1.*encoder\.head=latents"):
        FaceEncoder(config, LatentSizes(200, 1, 1))


@pytest.mark.parametrize("config", [COMPACT, EncoderConfig()])
def test_an_encoder_of_another_model_keeps_pose_and_light_only(config):
    torch.manual_seed(0)
    source, target = FaceEncoder(config), FaceEncoder(config, LatentSizes(*MODES))
    for parameter in list(source.parameters())[-2:]:
        torch.nn.init.normal_(parameter)  # of the last layer, which starts at zero
    transplant(source, target)
    images = torch.rand(2, 3, 64, 64)
    old, new = source.eval()(images), target.eval()(images)
    for name in ("angles", "translation", "light"):
        torch.testing.assert_close(getattr(new, name), getattr(old, name))
    assert [new.identity.shape[1], new.expression.shape[1], new.albedo.shape[1]] == list(MODES)
    assert not torch.cat([new.identity, new.expression, new.albedo], dim=1).any()
    assert old.identity.abs().min() > 0


def test_shipped_weights_start_at_the_mean_of_another_model(bfm):
    config = load_preset("quick", {})
    model = load_face_model("bfm2017", bfm)
    photo = torch.rand(1, 3, 96, 96)
    latents = build_autoencoder(config, model, 0).eval().encoder(photo)
    own = build_autoencoder(config, "anny", 0).eval().encoder(photo)
    assert not latents.identity.any()
    torch.testing.assert_close(latents.angles, own.angles)
    assert own.identity.shape == (1, PAPER_SIZES.identity)


def test_a_mean_expression_is_in_photographs_and_not_in_neutral_shapes(bfm):
    model = load_face_model("bfm2017", bfm)
    decoder = FaceDecoder(model.crop("face"), SIZE)
    config = load_preset("quick", {"encoder": COMPACT.model_dump()})
    latents = FaceEncoder(config.encoder, LatentSizes(*MODES)).eval()(torch.rand(1, 3, SIZE, SIZE))
    face = decoder.shape(latents)[0].numpy(force=True)
    np.testing.assert_allclose(face, model.crop("face").fitted_mean, atol=1e-4)
    assert np.abs(model.shape(np.zeros(5)) - model.fitted_mean).max() > 0.5


def test_the_released_camera_sees_points_where_the_authors_do(bfm):
    model = load_face_model("bfm2017", bfm).crop("face")
    decoder = FaceDecoder(model, 224)
    latents = FaceEncoder(EncoderConfig(), LatentSizes(*MODES)).eval()(torch.zeros(1, 3, 224, 224))
    x, y, z = model.fitted_mean[model.landmarks68].T  # after -100 in z
    seen = decoder(latents).landmarks[0].numpy(force=True)
    np.testing.assert_allclose(seen[:, 0], 111.5 + 1014.72 * x / (1000 - z), atol=2e-3)
    np.testing.assert_allclose(seen[:, 1], 111.5 - 1014.72 * y / (1000 - z), atol=2e-3)


def test_saved_and_read_again(bfm, tmp_path):
    model = load_face_model("bfm2017", bfm)
    model.save(tmp_path / "model.safetensors")
    again = type(model).load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.expression_mean, model.expression_mean)
    assert again.modes == model.modes
    replace(model, expression_mean=None).save(tmp_path / "model.safetensors")
    assert type(model).load(tmp_path / "model.safetensors").expression_mean is None


def test_a_run_notes_its_model_and_notices_another_one(copy, tmp_path):
    folder = tmp_path / "face_model-0"
    folder.mkdir()
    record(folder, "bfm2017", copy)
    inputs = {"face_model": folder}
    assert recorded_file(inputs, "bfm2017") == copy
    assert recorded_model(inputs, "bfm2017").modes == MODES
    assert recorded_file({}, "anny") is None
    with copy.open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(InputError, match=r"bfm\.h5: has changed since the run looked at it"):
        recorded_file(inputs, "bfm2017")
    (folder / "face_model.json").write_text("{}")
    with pytest.raises(CacheError, match="delete its folder and run again"):
        recorded_file(inputs, "bfm2017")


def test_training_with_a_model_from_a_file(bfm, tmp_path):
    inputs = {"pack": pack_noise(tmp_path / "pack-0"), "face_model": tmp_path / "face_model-0"}
    inputs["face_model"].mkdir()
    record(inputs["face_model"], "bfm2017", bfm)
    out = tmp_path / "artefacts" / "warmup-0"
    out.mkdir(parents=True)
    settings = {"method": tiny_method({}), "face_model": "bfm2017", "seed": 3}
    StageTraining("warmup", inputs, out, settings).autoencoder_stage(2, mask=None)
    assert (out / "encoder.safetensors").is_file()


def test_without_albedo_modes_an_image_still_has_gradients(tmp_path_factory):
    from focsbench.face_models import ict

    model = ict.read(write_ict(tmp_path_factory.mktemp("ict")))
    config = load_preset("quick", {"encoder": {**COMPACT.model_dump(), "weights": None}})
    network = build_autoencoder(config, model, 0).eval()
    decoded = network(torch.rand(1, 3, 96, 96))
    assert decoded.region.any()
    decoded.image.sum().backward()
    gradient = network.encoder.backbone.head.weight.grad
    assert gradient.shape[0] == 3 + 2 + 0 + 33
    assert torch.isfinite(gradient).all()


def changed(before, after):
    return {name for name in before.keys if before.keys[name] != after.keys[name]}


def test_plans_follow_the_content_of_the_file(copy):
    choice = ["face_model=bfm2017", f"face_model_file={copy}"]
    plan = build_plan(load_profile("smoke", choice))
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1
    copy.write_bytes(data)
    other = build_plan(load_profile("smoke", choice))
    everything = changed(plan, other)
    assert {"face_model", "warmup", "predict:mean_face:now", "score:focs:now"} <= everything
    assert not {"data", "pack"} & everything  # photographs do not show the model that is fitted
    (copy.parent / "idxes_crop.pkl").write_bytes(b"beside the model, so it counts")
    assert changed(other, build_plan(load_profile("smoke", choice))) == everything


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (["face_model=bfm2017"], "bfm2017 needs model2017-1_bfm_nomouth"),
        (["face_model=bfm2017", "face_model_file=missing.h5"], "missing.h5: there is no such file"),
        (["face_model=bfm2017", "face_model_file=."], "is no file; name the file"),
        (["face_model_file=missing.h5"], "anny is built from an installed package"),
        (["face_model=bfm"], "there is no face model 'bfm'; choose one of anny, bfm2017"),
    ],
)
def test_a_run_refuses_before_it_starts(focsbench, tmp_path, choice, reason):
    changes = [part for change in choice for part in ("--set", change)]
    code, _, error = focsbench("run-all", "--profile", "smoke", "--output", tmp_path, *changes)
    assert code == 1
    assert reason in error
    assert not list((tmp_path).glob("artefacts/*"))


def test_models_list(focsbench, copy):
    named = copy.rename(copy.with_name("model2017-1_face12_nomouth.h5"))
    code, out, _ = focsbench("models", "list", copy.parent)
    assert code == 0
    for word in ("anny", "bfm2017", "bfm2009_front", "ict", "CC0-1.0", "MIT", "no redistribution"):
        assert word in out
    assert f"found       {named}" in out
    assert f"not in {copy.parent}" in out


def test_models_check(focsbench, bfm, tmp_path):
    code, out, _ = focsbench("models", "check", bfm)
    assert code == 0
    assert "bfm2017-face12" in out
    assert "28588 vertices, 56572 triangles" in out
    assert "5 identity, 3 expression, 4 albedo" in out
    assert f"--set face_model=bfm2017 --set face_model_file={bfm}" in out
    front = write_bfm2009_front(tmp_path / "BFM_model_front.mat")
    code, out, _ = focsbench("models", "check", front)
    assert code == 0
    assert "decimetres in the file" in out
    code, out, _ = focsbench("models", "check", write_ict(tmp_path / "clone"))
    assert code == 0
    assert "3 identities, 2 expressions" in out
    code, _, error = focsbench("models", "check", front, "--name", "bfm2017")
    assert code == 1
    assert "cannot be read as HDF5" in error


def test_models_check_of_something_else(focsbench, tmp_path):
    text = tmp_path / "generic_model.pkl"
    text.write_bytes(b"")
    code, _, error = focsbench("models", "check", text)
    assert code == 1
    assert "none of the forms of face models" in error
    code, _, error = focsbench("models", "check", tmp_path / "no")
    assert "there is no such file or folder" in error
    code, _, error = focsbench("models", "check", tmp_path)
    assert code == 1
    assert "no clone of ICT-FaceKit" in error


def test_models_show_takes_the_model_of_the_file(focsbench, bfm, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(preview, "save_preview", lambda model, path: drawn.append((model, path)))
    picture = tmp_path / "m.png"
    code, out, _ = focsbench("models", "show", "--file", bfm, "--output", picture)
    assert code == 0
    assert out.strip() == str(picture)
    assert [(model.name, path) for model, path in drawn] == [("bfm2017-face12", picture)]


def test_only_modes_that_a_model_has_are_drawn():
    assert preview._leading(0) == []
    titles = [title for title, _ in preview._leading(2)]
    assert titles == ["1: -3", "1: +3", "2: -3", "2: +3"]
    assert preview._leading(9)[3][1].tolist() == [0, 3, 0, 0, 0, 0, 0, 0, 0]
    assert len(preview._leading(9)) == 10
