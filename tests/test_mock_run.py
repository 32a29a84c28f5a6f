"""The rehearsal: sound methods pass, and each broken one is told its fault and no other."""

from __future__ import annotations

import importlib
import itertools
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mock_run_support import TARGET, Good, model, turned

from focsbench import registry
from focsbench.data.layouts import open_dataset
from focsbench.errors import ConfigError, InputError
from focsbench.mock_run.check import Check, Fault, NotApplicable, Verdict, carry_out
from focsbench.mock_run.checks_declaration import name_declared
from focsbench.mock_run.rehearse import (
    FOLDER_CHECKS,
    METHOD_CHECKS,
    prepared,
    rehearse_class,
    rehearse_folder,
    rehearse_method,
)
from focsbench.mock_run.subject import MethodTrial
from focsbench.registry import Kind
from focsbench.runs.predict import write_predictions
from focsbench.types import BaselineContext, Mesh


@pytest.fixture(scope="module")
def stage():
    with prepared() as made:
        yield made


def failed(rehearsal):
    return {o.name for o in rehearsal.outcomes if o.verdict is Verdict.FAIL}


def reasons(rehearsal):
    return {o.name: o.reason for o in rehearsal.outcomes}


def rehearse(stage, plugin):
    return rehearse_class("good", TARGET, plugin, stage)


def changed(change):
    """The sound method with every answer changed by ``change(sample, answer)``."""

    class Changed(Good):
        def one(self, sample):
            return change(sample, super().one(sample))

    return Changed


def mesh(change, triangles=None):
    """A change of vertices and landmarks alike."""

    def apply(_sample, answer):
        found = answer.neutral.triangles if triangles is None else triangles(answer.neutral)
        return replace(
            answer,
            neutral=Mesh(change(answer.neutral.vertices), found),
            landmarks7=change(answer.landmarks7),
        )

    return changed(apply)


def field(**changes):
    """A change of single fields, each a function of the old value."""

    def apply(_sample, answer):
        return replace(answer, **{n: make(getattr(answer, n)) for n, make in changes.items()})

    return changed(apply)


def triangles(change):
    return mesh(lambda points: points, lambda old: change(old.triangles))


def nan_first(array):
    array = array.copy()
    array.reshape(-1)[0] = np.nan
    return array


def nose_tip(landmarks):
    landmarks = landmarks.copy()
    landmarks[4] = model().mean_shape[model().landmarks68[30]]
    return landmarks


def side_effect(action):
    """The sound method doing something else with every photograph."""

    class Busy(Good):
        def one(self, sample):
            action(sample)
            return super().one(sample)

    return Busy


def unpickle(_sample):
    pickle = importlib.import_module("pickle")
    pickle.loads(pickle.dumps(np.float64))


def paint(sample):
    sample.image[0, 0] = 1 - sample.image[0, 0]


def with_open_mouth(sample, answer):
    """Moves the lower face where the photograph shows an open mouth."""
    if "multiview_expressions" not in sample.key:
        return answer
    vertices = answer.neutral.vertices.copy()
    vertices[vertices[:, 1] < answer.landmarks7[5, 1] + 5, 1] -= 15
    return replace(answer, neutral=Mesh(vertices, answer.neutral.triangles))


class ByBatch(Good):
    def reconstruct(self, samples):
        shift = np.float32(sum(float(s.image.mean()) for s in samples))
        answers = super().reconstruct(samples)
        return [replace(a, parameters={"shift": np.array([shift])}) for a in answers]


class ByInstance(Good):
    numbers = itertools.count()

    def __init__(self, context):
        super().__init__(context)
        self.number = next(self.numbers)

    def one(self, sample):
        return replace(super().one(sample), parameters={"number": np.array([self.number])})


class Forgetful(Good):
    def reconstruct(self, samples):
        return super().reconstruct(samples)[:-1]


class NeedsOne(Good):
    def reconstruct(self, samples):
        return list(np.stack([self.one(sample) for sample in samples]))


class NeedsLight(Good):
    def one(self, sample):
        return {1: super().one(sample)}[int(sample.image.max() > 0)]


class NotInWhite(Good):
    def one(self, sample):
        answer = super().one(sample)
        return (
            answer if sample.image.min() < 1 else replace(answer, visible=answer.visible * np.nan)
        )


class NeedsLabels(Good):
    def one(self, sample):
        if self.context.dataset == "celeba":
            sample.visible_mask.sum()
        return super().one(sample)


class Unbuildable(Good):
    def __init__(self, context):
        raise InputError("no weights; download them.")


class Gated(Good):
    def __init__(self, context):
        raise ConfigError("the Basel Face Model is missing; register for it.")


class NoLabel(Good):
    label = ""


class UnknownStage(Good):
    stages = ("telepathy",)


class Writer(Good):
    def one(self, sample):
        Path(f"{sample.key.replace('/', '_')}.log").write_text("done")
        return super().one(sample)


def many_threads(_sample):
    torch.set_num_threads(7)


BROKEN = {
    "metres": (mesh(lambda points: points / 1000), "units_mm", "looks like m; multiply by 1000"),
    "centimetres": (mesh(lambda points: points / 10), "units_mm", "looks like cm"),
    "too large": (mesh(lambda points: points * 1.35), "size_plausible", "size of the mean face"),
    "swapped landmarks": (
        field(landmarks7=lambda old: old[[3, 2, 1, 0, 4, 6, 5]]),
        "landmark_order",
        "landmarks_left_right_swapped",
    ),
    "permuted landmarks": (
        field(landmarks7=lambda old: old[[4, 1, 2, 3, 0, 5, 6]]),
        "landmark_order",
        "wrong_landmark_order",
    ),
    "tip of the nose": (field(landmarks7=nose_tip), "subnasale", "tip of the nose"),
    "landmarks elsewhere": (
        field(landmarks7=lambda old: old + np.float32(40)),
        "landmarks_on_mesh",
        "off the mesh",
    ),
    "posed": (mesh(lambda points: turned(points, 35)), "neutral_pose", "turned by 35 degrees"),
    "open mouth": (changed(with_open_mouth), "neutral_expression", "without expression"),
    "inside out": (triangles(lambda old: old[:, ::-1]), "triangles_outward", "face inwards"),
    "counted from 1": (triangles(lambda old: old + 1), "triangles_valid", "count from 0"),
    "triangles of floats": (triangles(lambda old: old * 1.0), "mesh_numbers", "integers"),
    "torn": (
        triangles(lambda old: np.random.default_rng(0).permutation(old.reshape(-1)).reshape(-1, 3)),
        "mesh_sound",
        "torn_surface",
    ),
    "NaN in the mesh": (mesh(nan_first), "mesh_finite", "NaN"),
    "mesh without landmarks": (field(landmarks7=lambda old: None), "mesh_shapes", "together"),
    "68 landmarks": (
        field(landmarks7=lambda old: model().mean_shape[model().landmarks68]),
        "mesh_shapes",
        "give (7, 3)",
    ),
    "NaN in the render": (field(render=nan_first), "render_finite", "NaN"),
    "white is 255": (field(render=lambda old: old * 255), "render_scale", "not 255"),
    "render outside": (
        field(render=lambda old: old + np.float32(0.1)),
        "region_covers_render",
        "outside its region",
    ),
    "no region": (field(region=lambda old: None), "render_with_region", "without its region"),
    "empty region": (
        field(region=lambda old: old & False, render=lambda old: old * 0),
        "region_not_empty",
        "no pixel",
    ),
    "region of numbers": (
        field(region=lambda old: old.astype(np.uint8)),
        "image_numbers",
        "booleans",
    ),
    "small mask": (field(visible=lambda old: old[::2, ::2]), "image_shapes", "give (64, 64)"),
    "mask over 1": (field(visible=lambda old: old + 1), "visible_range", "[0, 1]"),
    "mask as a list": (field(visible=lambda old: old.tolist()), "numpy_arrays", "is a list"),
    "NaN in parameters": (
        field(parameters=lambda old: {"a": np.array([np.nan])}),
        "parameters_usable",
        "NaN",
    ),
    "odd parameter": (
        field(parameters=lambda old: {"../a": np.array([1.0])}),
        "parameters_usable",
        "no name",
    ),
    "milliseconds": (field(seconds=lambda old: 40.0), "seconds_recorded", "not milliseconds"),
    "random": (
        mesh(lambda points: points + np.float32(np.random.default_rng().normal(0, 1e-3))),
        "same_again",
        "fixed seed",
    ),
    "by instance": (ByInstance, "fresh_instance", "built again"),
    "by batch": (ByBatch, "one_by_one", "alone and in a batch"),
    "too few": (Forgetful, "answers_all", "1 answers for 2"),
    "fails on nothing": (NeedsOne, "no_photographs", "ValueError"),
    "fails on black": (NeedsLight, "black_image", "KeyError"),
    "NaN on white": (NotInWhite, "white_image", "NaN"),
    "needs labels": (NeedsLabels, "no_label", "AttributeError"),
    "not built": (Unbuildable, "can_be_built", "download them"),
    "no label": (NoLabel, "label_declared", "short name"),
    "unknown stage": (UnknownStage, "stages_declared", "telepathy"),
    "paints": (side_effect(paint), "inputs_untouched", "copy of its image"),
    "global generator": (
        side_effect(lambda _: np.random.rand()),  # noqa: NPY002
        "random_state_untouched",
        "global random generator",
    ),
    "threads": (side_effect(many_threads), "threads_untouched", "share the cores"),
    "writes": (Writer, "writes_nothing", ".log"),
    "connects": (
        side_effect(lambda _: socket.getaddrinfo("localhost", 9)),
        "no_connections",
        "localhost",
    ),
    "runs a program": (
        side_effect(lambda _: subprocess.run([sys.executable, "-S", "-c", ""], check=True)),
        "no_commands",
        "python",
    ),
    "pickles": (side_effect(unpickle), "no_pickles", "numpy"),
}


def test_a_sound_method_passes_every_check(stage):
    rehearsal = rehearse(stage, Good)
    assert reasons(rehearsal) == dict.fromkeys((check.name for check in METHOD_CHECKS), "")
    assert rehearsal.passed


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_method_is_told_its_fault_and_no_other(stage, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plugin, check, words = BROKEN[name]
    threads = torch.get_num_threads()
    try:
        rehearsal = rehearse(stage, plugin)
    finally:
        torch.set_num_threads(threads)
    assert failed(rehearsal) == {check}, reasons(rehearsal)
    assert words in reasons(rehearsal)[check]
    assert not rehearsal.passed


def test_another_name_than_that_of_the_entry_point(stage):
    rehearsal = rehearse_class("better", TARGET, Good, stage)
    assert failed(rehearsal) == {"name_declared"}


@pytest.mark.parametrize("name", ["MyNet", "my net", "a:b", "_net", "../net"])
def test_a_name_that_no_step_can_have(name):
    plugin = type("Named", (Good,), {"name": name})
    with pytest.raises(Fault, match="use a-z, 0-9"):
        name_declared(MethodTrial(name, TARGET, plugin, "", None, None, {}, {}, {}, Path()))


@pytest.fixture
def one_thread():
    """As the command has it; more threads only wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_method_without_its_files_is_skipped(stage):
    rehearsal = rehearse(stage, Gated)
    assert rehearsal.passed
    assert rehearsal.count(Verdict.PASS) == 4  # what it declares
    assert "register for it" in reasons(rehearsal)["can_be_built"]
    assert reasons(rehearsal)["units_mm"] == "can_be_built was skipped"


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_every_built_in_row_passes(stage):
    for name in registry.names(Kind.BASELINE):
        if not registry.target(Kind.BASELINE, name).startswith("focsbench."):
            continue
        rehearsal = rehearse_method(name, stage)
        assert failed(rehearsal) == set(), (name, reasons(rehearsal))
        missing = reasons(rehearsal)["can_be_built"]
        assert missing.startswith("it needs") or rehearsal.count(Verdict.PASS) >= 40


def test_checks_are_well_described():
    for checks in (METHOD_CHECKS, FOLDER_CHECKS):
        names = [check.name for check in checks]
        assert len(names) == len(set(names)) >= 20
        for number, check in enumerate(checks):
            assert check.sentence.endswith(".")
            assert set(check.after) <= set(names[:number]), check.name


def test_a_failed_check_skips_what_depends_on_it_and_nothing_else():
    def fault(_):
        raise Fault("wrong")

    def nothing(_):
        raise NotApplicable("no mesh")

    checks = (
        Check("a", "A.", fault),
        Check("b", "B.", nothing),
        Check("c", "C.", lambda _: None, ("a",)),
        Check("d", "D.", lambda _: None, ("b",)),
        Check("e", "E.", lambda _: None, ("c",)),
        Check("f", "F.", lambda _: 1 / 0),
    )
    found = {o.name: (str(o.verdict), o.reason) for o in carry_out(checks, None)}
    assert found["c"] == found["e"] == ("skipped", "a failed")
    assert found["b"] == ("skipped", "no mesh")
    assert found["d"] == ("pass", "")
    assert found["f"][0] == "fail"
    assert found["f"][1].startswith("ZeroDivisionError")


@pytest.fixture
def folder(stage, tmp_path):
    """Predictions of the sound method for the tiny NoW."""
    context = BaselineContext("anny", 64, {}, {}, stage.data["now"], "now")
    path = tmp_path / "good"
    path.mkdir()
    images = open_dataset(stage.data["now"], "now", "test", 64)
    assert write_predictions(Good(context), images, path, 64) == {}
    return path


STEM = "TINY_0/multiview_neutral/IMG_0000"


def test_a_sound_folder_passes(folder):
    rehearsal = rehearse_folder(folder)
    assert failed(rehearsal) == set(), reasons(rehearsal)
    assert rehearsal.count(Verdict.SKIPPED) == 0


def break_unit(folder):
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"mm"', '"m"'))


def break_mask(folder):
    from PIL import Image

    path = folder / f"{STEM}_region.png"
    with Image.open(path) as image:
        image.resize((32, 32), Image.Resampling.BICUBIC).resize((64, 64)).save(path)


def add_link(folder):
    (folder / "link.ply").symlink_to("/etc/hostname")


def add_pickle(folder):
    np.save(folder / f"{STEM}.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "check", "words"),
    [
        (break_unit, "units_mm", "apart"),
        (break_mask, "masks_on_disk", "0 and 255"),
        (add_pickle, "files_readable", "landmarks"),
        (
            lambda f: (f / "manifest.json").write_text('{"unit": "mm"}'),
            "manifest_complete",
            "method",
        ),
        (lambda f: (f / "notes.docx").write_text("?"), "plain_files", "notes.docx"),
        (lambda f: (f / f"{STEM}.ply").write_bytes(b"ply"), "files_readable", "mesh"),
        (add_link, "no_links", "a link"),
    ],
)
def test_a_damaged_folder_is_told_its_fault(folder, damage, check, words):
    damage(folder)
    rehearsal = rehearse_folder(folder)
    assert check in failed(rehearsal), reasons(rehearsal)
    assert words in reasons(rehearsal)[check]
    if damage is not add_link:
        assert failed(rehearsal) == {check}


def test_a_folder_without_a_manifest_has_no_unit(folder):
    (folder / "manifest.json").unlink()
    rehearsal = rehearse_folder(folder)
    assert failed(rehearsal) == set()
    assert "unit" in reasons(rehearsal)["units_mm"]


def test_command_line(folder, focsbench, tmp_path):
    code, out, _ = focsbench("mock-run", folder)
    assert (code, "0 failed" in out) == (0, True)
    break_mask(folder)
    code, out, _ = focsbench("mock-run", folder, "--verbose")
    assert code == 1
    assert "fail     masks_on_disk" in out
    assert "pass     folder_opens" in out
    code, out, _ = focsbench("mock-run", "--list")
    assert code == 0
    assert all(check.sentence in out for check in METHOD_CHECKS)
    code, _, err = focsbench("mock-run", "no_such_method")
    assert (code, "no_such_method" in err) == (1, True)
    code, out, _ = focsbench("mock-run", tmp_path / "absent")
    assert (code, "no such predictions folder" in out) == (1, True)
