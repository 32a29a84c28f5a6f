"""Stages and baselines of the rows: which settings they look at, and one small training of each."""

from __future__ import annotations

import json
from functools import reduce
from importlib import import_module
from operator import getitem
from pathlib import Path

import numpy as np
import pytest
import torch
from training_support import SIZE, pack_noise, run_stage, tiny_method

from focsbench.focs.config import FocsConfig
from focsbench.focs.loss_config import SegmentationConfig
from focsbench.focs.nested import merged
from focsbench.focs.presets import load_preset
from focsbench.focs.reconstruction_losses import pixel_loss
from focsbench.focs.segmentation_losses import neighbour_loss
from focsbench.focs.stages import STAGES
from focsbench.types import BaselineContext, Sample

ROWS = {
    "supervised_cutmix": ("SupervisedCutmix", "cutmix", False),
    "supervised_cutout": ("SupervisedCutout", "cutout", False),
    "skin_mask": ("SkinMask", "skin", True),
    "ablation_baseline": ("AblationBaseline", "em_baseline", True),
    "ablation_neighbour": ("AblationNeighbour", "em_neighbour", True),
    "ablation_perceptual": ("AblationPerceptual", "em_perceptual", True),
    "adapted": ("Adapted", "adapted", True),
}
TRAINED = ("warmup", "supervised", "init", "segmentation", "em", *(row[1] for row in ROWS.values()))


OF_EM = {"em", "em_baseline", "em_neighbour", "em_perceptual", "adapted"}
OF_R_ALONE = {"mofa", "supervised", "cutmix", "cutout", "skin"}


def views(changes):
    """What every stage sees of the quick preset with changes."""
    settings = load_preset("quick", changes).model_dump(mode="json")
    return {name: stage.method(settings) for name, stage in STAGES.items()}


@pytest.mark.parametrize(
    ("changes", "concerned"),
    [
        ({"augmentation": {"occlusion": {"probability": 0.5}}}, {"cutmix", "cutout"}),
        ({"skin_detector": {"prior": 0.7}}, {"skin"}),
        ({"schedule": {"adaptation_iterations": 7}}, {"adapted"}),
        ({"adaptation_optimizer": {"learning_rate": 0.1}}, {"adapted"}),
        ({"image_size": 64}, set(STAGES)),
        (
            {"segmentation": {"eta_area": 0.7}},
            {"em", "em_baseline", "em_neighbour", "em_perceptual", "adapted"},
        ),
        (
            {"segmentation": {"eta_dist": 0.7}},  # Baseline and Neighbour have their own value
            {"em", "em_perceptual", "adapted"},
        ),
        ({"reconstruction_optimizer": {"learning_rate": 0.1}}, OF_EM),
        ({"schedule": {"joint_iterations": 7}}, OF_EM | OF_R_ALONE),
        ({"schedule": {"freeze_batchnorm": False}}, OF_EM),
        ({"schedule": {"init_iterations": 7}}, OF_EM | OF_R_ALONE | {"init"}),
        ({"schedule": {"unet_pretrain_iterations": 7}}, OF_EM | {"segmentation"}),
    ],
)
def test_a_setting_concerns_the_stages_that_look_at_it(changes, concerned):
    before, after = views({}), views(changes)
    assert {name for name in STAGES if before[name] != after[name]} == concerned


def test_every_stage_still_has_valid_settings():
    small = {"image_size": 88, "unet": {"depth": 3}}  # fits this UNet, not the default one
    for preset, changes in (
        *((name, {}) for name in ("paper", "released", "quick", "smoke")),
        ("quick", small),
    ):
        settings = load_preset(preset, changes).model_dump(mode="json")
        for stage in STAGES.values():
            FocsConfig.model_validate(stage.method(settings)).with_changes({"batch_size": 2})


def test_the_ablations_change_the_loss_of_the_mask_and_nothing_else():
    for preset in ("paper", "released", "quick"):
        settings = load_preset(preset).model_dump(mode="json")
        whole = STAGES["em"].method(settings)
        for name in ("em_baseline", "em_neighbour", "em_perceptual"):
            stage = STAGES[name]
            assert (stage.function, stage.needs) == (STAGES["em"].function, STAGES["em"].needs)
            view = stage.method(settings)
            assert {key for key in whole if view[key] != whole[key]} == {"segmentation"}
            etas = view["segmentation"]
            perceptual = name == "em_perceptual"
            assert (etas["eta_neighbour"] > 0) == (not perceptual)
            assert (etas["eta_dist"] > 0, etas["eta_presv"] > 0) == (perceptual, perceptual)
            assert (etas["neighbour_window"] == 1) == (name == "em_baseline")
            for kept in ("eta_area", "eta_bin"):
                assert etas[kept] == whole["segmentation"][kept]


def test_a_variant_of_a_variant_adds_its_changes():
    stage = STAGES["em_baseline"].variant("other", {"segmentation": {"eta_area": 0.1}})
    view = stage.method(load_preset("quick").model_dump(mode="json"))
    assert (stage.name, view["segmentation"]["eta_area"]) == ("other", 0.1)
    assert view["segmentation"]["neighbour_window"] == 1


def test_a_neighbourhood_of_one_pixel_is_the_pixel_loss():
    generator = torch.Generator().manual_seed(0)
    target, render = torch.rand(2, 2, 3, 8, 9, generator=generator, dtype=torch.float64)
    region = torch.rand(2, 8, 9, generator=generator) > 0.3
    mask = torch.rand(2, 8, 9, generator=generator, dtype=torch.float64) * region
    config = SegmentationConfig(neighbour_window=1)
    found = neighbour_loss(target, render, mask, region, config)
    expected = pixel_loss(target, render, mask, region, "squared", "region_ratio")
    torch.testing.assert_close(found, expected)
    wider = neighbour_loss(target, render, mask, region, SegmentationConfig())
    assert wider < 0.9 * found


def baseline(module):
    return getattr(import_module(f"focsbench.baselines.{module}"), ROWS[module][0])


@pytest.mark.parametrize("module", ROWS)
def test_the_rows_name_their_stages(module):
    row = baseline(module)
    assert row.name == module
    assert row.stages == (ROWS[module][1],)
    assert row.label


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], dict]:
    """Folders of all stages after a few iterations on noise, and the settings."""
    schedule = {
        "warmup_iterations": 1,
        "init_iterations": 1,
        "unet_pretrain_iterations": 1,
        "joint_iterations": 2,
        "e_iterations": 1,
        "m_iterations": 1,
        "adaptation_iterations": 1,
    }
    occlusion = {"probability": 1.0, "source": "texture"}
    method = tiny_method({"schedule": schedule, "augmentation": {"occlusion": occlusion}})
    root = tmp_path_factory.mktemp("rows")
    folders = {
        "pack": pack_noise(root / "pack-0123"),
        "pack_evaluation": pack_noise(root / "pack_evaluation-0123", seed=1),
    }
    for name in TRAINED:
        folders[name] = run_stage(name, root, folders, method)
    return folders, method


def last_terms(folder: Path) -> dict[str, float]:
    terms: dict[str, float] = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    return terms


@pytest.mark.slow
def test_all_rows_train_and_differ(trained: tuple[dict[str, Path], dict]) -> None:
    folders, _ = trained
    weights = {
        name: (folders[name] / "encoder.safetensors").read_bytes()
        for name in TRAINED
        if name != "segmentation"
    }
    assert len(set(weights.values())) == len(weights)
    perceptual = {"S_dist", "S_presv"}
    assert last_terms(folders["em_perceptual"]).keys() >= perceptual
    assert "S_neighbour" not in last_terms(folders["em_perceptual"])
    for name in ("em_baseline", "em_neighbour"):
        terms = last_terms(folders[name]).keys()
        assert "S_neighbour" in terms
        assert not perceptual & terms
        assert "R_perceptual" in terms  # the loss of R is the same in all ablations
    shares = {n: last_terms(folders[n])["kept"] for n in ("supervised", "cutmix", "cutout", "skin")}
    assert shares["cutmix"] < shares["supervised"]
    assert shares["cutout"] < shares["supervised"]
    assert 0 < shares["skin"] < 1


def with_other_values(method: dict, paths: frozenset[str]) -> dict:
    """Return settings in which every field at a path has the value of another preset."""
    other = load_preset("paper", {"skin_detector": {"prior": 0.3}}).model_dump(mode="json")
    other["schedule"] |= {"collapse_iterations": 1, "adaptation_iterations": 3}
    other["augmentation"]["occlusion"]["probability"] = 0.9  # its kind is set by the rows
    for path in paths:
        value = reduce(getitem, path.split("."), other)
        for name in reversed(path.split(".")):
            value = {name: value}
        method = merged(method, value)
    return method


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_what_a_stage_ignores_changes_no_byte(
    trained: tuple[dict[str, Path], dict], tmp_path: Path, name: str
) -> None:
    """The stage is given every field here, also those that its config in a plan lacks."""
    folders, settings = trained
    stage = STAGES[name]
    method = merged(settings, stage.changes)
    whole = with_other_values(method, stage.ignores)
    assert whole != method
    module, function = stage.function.split(":")
    out = tmp_path / "artefacts" / name
    out.mkdir(parents=True)
    config = {"method": whole, "face_model": "anny", "seed": 3}
    inputs = {need: folders[need] for need in stage.needs}
    getattr(import_module(module), function)(inputs, out, config, 1)
    assert {file.name for file in out.iterdir()} == {file.name for file in folders[name].iterdir()}
    for file in out.iterdir():
        assert file.read_bytes() == (folders[name] / file.name).read_bytes(), file.name


@pytest.mark.slow
def test_adaptation_leaves_the_segmentation_as_it_is(trained: tuple[dict[str, Path], dict]) -> None:
    folders, _ = trained
    before, after = ((folders[n] / "unet.safetensors").read_bytes() for n in ("em", "adapted"))
    assert before == after
    assert 0 < last_terms(folders["adapted"])["kept"] < 1


@pytest.mark.slow
@pytest.mark.parametrize("module", ROWS)
def test_the_rows_answer(trained: tuple[dict[str, Path], dict], module: str) -> None:
    folders, method = trained
    _, stage, segments = ROWS[module]
    context = BaselineContext("anny", SIZE, STAGES[stage].method(method), {stage: folders[stage]})
    image = np.random.default_rng(0).random((SIZE, SIZE, 3), dtype=np.float32)
    sample = Sample("a", "a", "all", image, np.zeros((68, 2), dtype=np.float32))
    (answer,) = baseline(module)(context).reconstruct([sample])
    assert answer.neutral is not None
    assert np.isfinite(answer.neutral.vertices).all()
    assert (answer.visible is not None) == segments
    if module == "skin_mask":
        assert set(np.unique(answer.visible)) == {0.0, 1.0}
