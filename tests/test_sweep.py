"""The eta sweep: which points it has, and how they stand in the plan of a run."""

import copy
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focsbench.errors import ConfigError
from focsbench.focs.presets import load_preset
from focsbench.focs.sweep import ETAS, SweepConfig, point_iterations, sweep_points
from focsbench.profiles.profile import load_profile
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import NAME

POSITIVE = st.floats(1e-5, 1e5, allow_nan=False)


def method(**segmentation):
    changes = {"segmentation": segmentation} if segmentation else {}
    return load_preset("quick", changes).model_dump(mode="json")


def curve(points, eta):
    return [point for point in points if point.eta == eta]


def test_five_values_of_five_weights_share_one_standard_point():
    points = sweep_points(SweepConfig(), method())
    assert [len(curve(points, eta)) for eta in ETAS] == [5] * 5
    assert len({point.step for point in points}) == 21
    assert [point.eta for point in points if point.standard] == list(ETAS)
    area = curve(points, "eta_area")
    assert [point.value for point in area] == [0, 0.15, 0.5, 1.5, 5]
    assert [point.method for point in area][1] == "eta_area=0.15"
    assert area[1].changes == {"segmentation": {"eta_area": 0.15}}
    assert area[2].changes == {}


def test_values_win_over_factors_and_the_standard_one_is_added():
    config = SweepConfig(
        etas=("eta_bin", "eta_area"),
        factors={"eta_area": (2, 4), "eta_bin": (7,)},
        values={"eta_bin": (9, 1e-7, 9.0000001)},
    )
    points = sweep_points(config, method())
    assert [point.value for point in curve(points, "eta_area")] == [0.5, 1, 2]
    assert [point.value for point in curve(points, "eta_bin")] == [1e-7, 0.2, 9]
    assert points[0].eta == "eta_area"  # the order of the paper


def test_what_cannot_be_swept_is_left_out():
    config = SweepConfig(etas=("eta_area", "eta_presv"))
    assert {p.eta for p in sweep_points(config, method(eta_area=0.0))} == {"eta_presv"}
    given = SweepConfig(etas=("eta_area",), values={"eta_area": (0.5,)})
    assert [p.value for p in sweep_points(given, method(eta_area=0.0))] == [0, 0.5]
    blind = method()
    blind["recognition"]["weights"] = None
    assert {p.eta for p in sweep_points(SweepConfig(), blind)} == set(ETAS) - {
        "eta_dist",
        "eta_presv",
    }
    with pytest.raises(ConfigError, match="none of its weights"):
        sweep_points(SweepConfig(etas=("eta_dist",)), blind)
    with pytest.raises(ConfigError, match="eta_area has no value beside"):
        sweep_points(SweepConfig(etas=("eta_area",), factors={"eta_area": (1,)}), method())


@given(st.lists(POSITIVE | st.just(0.0), max_size=6), POSITIVE)
def test_names_say_the_values(values, standard):
    config = SweepConfig(etas=("eta_area",), values={"eta_area": (*values, 2 * standard)})
    points = sweep_points(config, method(eta_area=standard))
    found = [point.value for point in points]
    assert found == sorted(set(found))
    assert [point.value for point in points if point.standard] == [standard]
    assert len({point.method for point in points}) == len(points)
    assert len({point.step for point in points}) == len(points)
    for point in points:
        assert NAME.fullmatch(point.step)
        assert float(point.method.removeprefix("eta_area=")) == pytest.approx(point.value, rel=1e-5)
        # Nothing but the standard value, which is the run's own, is rounded to be printed.
        assert point.standard or f"eta_area={point.value:.6g}" == point.method


def test_length_of_a_point():
    assert point_iterations(SweepConfig(), method()) == 75
    assert point_iterations(SweepConfig(iterations=3), method()) == 3
    short = load_preset("quick", {"schedule": {"unet_pretrain_iterations": 0}})
    assert point_iterations(SweepConfig(), short.model_dump(mode="json")) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("sweep.values.eta_area=[-1.0]", "eta_area: values have to be finite and not negative"),
        ("sweep.factors.eta_area=[inf]", "finite"),
        ("sweep.factors.eta_area=[nan]", "finite"),
        ('sweep.etas=["eta_area", "eta_area"]', "listed twice"),
        ('sweep.etas=["eta_6"]', "eta_neighbour"),
        ("sweep.values.eta_6=[1.0]", "eta_neighbour"),
        ("sweep.steps=3", "sweep.steps: there is no such field"),
    ],
)
def test_bad_fields_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        load_profile("smoke", [change])


@cache
def smoke(*changes):
    return build_plan(load_profile("smoke", ["sweep.iterations=2", *changes]))


def names(plan):
    return [step.name for step in plan.steps]


def test_points_are_steps_from_one_start():
    plan, plain = smoke(), build_plan(load_profile("smoke"))
    points = [step for step in plan.steps if step.name.startswith("sweep:")]
    assert len(points) == 21
    assert {step.inputs for step in points} == {
        ("face_model", "data", "pack", "segmentation", "em")
    }
    standard = copy.deepcopy(plan["sweep:standard"].config)
    changed = copy.deepcopy(plan["sweep:eta_area:5"].config)
    assert changed["method"]["segmentation"].pop("eta_area") == 5
    assert standard["method"]["segmentation"].pop("eta_area") == 0.5
    assert changed == standard
    gathering = plan["sweep"]
    assert set(gathering.inputs) == {"data", *(step.name for step in points)}
    assert gathering.optional == {step.name for step in points}
    assert len(gathering.config["points"]) == 25
    assert "sweep" in plan["aggregate"].inputs
    # The sweep makes nothing stale that is no summary of all results.
    same = {name for name in plain.keys if plan.keys[name] == plain.keys[name]}
    assert set(plain.keys) - same == {"aggregate", "report:overview", "report:html"}
    assert "sweep" not in names(plain)


def test_a_sweep_needs_no_row_of_the_method():
    changes = ['methods=["mean_face"]', 'sweep.autoencoder="init"']
    stages = {"pack", "warmup", "init", "segmentation"}
    found = names(smoke(*changes))
    assert stages <= set(found)
    assert "em" not in found
    assert "em" in names(smoke(changes[0]))


def test_another_value_leaves_the_other_points_alone():
    before = smoke("sweep.values.eta_area=[1.0]")
    after = smoke("sweep.values.eta_area=[1.0, 2.0]")
    stale = {name for name in after.keys if after.keys[name] != before.keys.get(name)}
    assert stale == {"sweep:eta_area:2", "sweep", "aggregate", "report:overview", "report:html"}
    longer = smoke("sweep.values.eta_area=[1.0]", "sweep.iterations=3")
    assert longer.keys["sweep:eta_bin:2"] != before.keys["sweep:eta_bin:2"]
    assert longer.keys["em"] == before.keys["em"]


def test_its_report_waits_for_nothing_else():
    plan = smoke('reports=["eta_sweep", "overview"]')
    assert plan["report:eta_sweep"].inputs == ("data", "sweep")
    assert plan["report:eta_sweep"].config["results"] == "sweep"
    assert "sweep" in plan["report:overview"].optional
    needed = plan.restricted_to(["report:eta_sweep"])
    assert not {step.name for step in needed.steps} & {"mofa", "aggregate", "report:overview"}
    without = build_plan(load_profile("smoke", ['reports=["eta_sweep"]']))
    assert without["report:eta_sweep"].config["results"] == "aggregate"


def test_what_much_hangs_on_starts_first():
    plan = build_plan(load_profile("quick", ["sweep.iterations=75"]))
    assert plan.height["segmentation"] > plan.height["supervised"]
    assert plan.height["em"] > plan.height["supervised"]
    assert plan.height["score:focs:now"] > plan.height["score:focs:ar_rmse"]
