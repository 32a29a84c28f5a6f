"""``train``, ``predict``, ``score --run`` and ``report --only``: chosen steps of run-all's plan."""

import json

import pytest

from focsbench.errors import ConfigError
from focsbench.profiles.profile import load_profile
from focsbench.runs import run_all, targets
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import Plan


@pytest.fixture(scope="module")
def plan():
    return build_plan(load_profile("smoke"))


def test_training_names_methods_and_stages(plan):
    everything = targets.training(plan, [])
    assert {"pack", "warmup", "mofa", "init", "segmentation", "em"} <= set(everything)
    assert targets.training(plan, ["mofa", "focs"]) == ["mofa", "em"]
    assert targets.training(plan, ["init", "pretrained"])[0] == "init"
    assert targets.training(plan, ["focs", "everything_visible", "em"]) == ["em"]
    with pytest.raises(ConfigError, match="did you mean supervised"):
        targets.training(plan, ["supervise"])
    with pytest.raises(ConfigError, match="mean_face: nothing to train"):
        targets.training(plan, ["mean_face"])


def test_predictions_and_scores_are_chosen_by_both_names(plan):
    assert targets.predictions(plan, ["focs"], ["now"]) == ["predict:focs:now"]
    assert len(targets.predictions(plan, [], ["ar"])) == len(load_profile("smoke").methods)
    assert len(targets.predictions(plan, ["focs", "mofa"], [])) == 6
    assert targets.scores(plan, ["mofa"], ["ar_rmse"]) == ["score:mofa:ar_rmse"]
    assert targets.scores(plan, [], []) == ["aggregate"]
    with pytest.raises(ConfigError, match="no dataset of this run is called 'AR'"):
        targets.predictions(plan, [], ["AR"])
    with pytest.raises(ConfigError, match="no method of this run is called 'fox'"):
        targets.scores(plan, ["fox"], [])


def test_named_methods_need_not_be_rows_of_the_profile(plan):
    profile = load_profile("smoke", ['methods=["mean_face"]'])
    wider = targets.with_methods(profile, ["mofa", "warmup", "mean_face", "mofa"])
    assert wider.methods == ("mean_face", "mofa")
    assert targets.with_methods(profile, ["mean_face"]) is profile
    # The same step as in a run that has the row anyway.
    assert build_plan(wider).keys["predict:mofa:ar"] == plan.keys["predict:mofa:ar"]


@pytest.fixture
def toys(toys, monkeypatch):
    """A plan with the step names of a run: two methods, one dataset, one protocol."""

    def plan(profile):
        reports = [
            toys.step(f"report:{name}", "aggregate", number=7 if name == "table1" else 0)
            for name in profile.reports
        ]
        return Plan(
            [
                toys.step("data"),
                toys.step("mofa", "data"),
                toys.step("em", "data"),
                toys.step("predict:mofa:ar", "mofa"),
                toys.step("predict:focs:ar", "em"),
                toys.step("score:mofa:ar_rmse", "predict:mofa:ar", function="rows"),
                toys.step("score:focs:ar_rmse", "predict:focs:ar", function="rows"),
                toys.step("aggregate", "score:mofa:ar_rmse", "score:focs:ar_rmse"),
                *reports,
            ]
        )

    monkeypatch.setattr(run_all, "build_plan", plan)
    return toys


def test_no_command_does_again_what_another_did(focsbench, toys, tmp_path):
    run = tmp_path / "run"
    code, output, errors = focsbench("train", "focs", "--profile", "smoke", "--output", run)
    assert (code, errors) == (0, "")
    assert toys.calls() == ["data", "em"]
    assert output.startswith("Results:\n  em ")
    assert str(run / "artefacts" / "em-") in output
    assert json.loads((run / "config.json").read_text())["name"] == "smoke"
    assert not (run / "results.csv").exists()

    code, output, _ = focsbench("predict", "focs", "--output", run)
    assert toys.calls() == ["predict:focs:ar"]
    assert str(run / "artefacts" / "predict-focs-ar-") in output

    code, output, _ = focsbench("score", "--run", run, "focs", "--protocol", "ar_rmse")
    assert code == 0
    assert toys.calls() == ["score:focs:ar_rmse"]
    lines = output.splitlines()
    assert lines[0] == "score:focs:ar_rmse"
    assert lines[1].split() == ["scarf", "rmse", "2.5000", "n", "1"]
    assert not (run / "text").exists()

    assert focsbench("score", "--run", run)[0] == 0
    assert toys.calls() == ["aggregate", "mofa", "predict:mofa:ar", "score:mofa:ar_rmse"]
    assert (run / "text").is_file()  # what the gathering step writes is published

    assert focsbench("run-all", "--profile", "smoke", "--output", run)[0] == 0
    assert sorted(toys.calls()) == ["report:html", "report:overview"]
    for command in (["train"], ["predict"], ["score", "mofa", "--run"]):
        place = [] if "--run" in command else ["--output"]
        assert focsbench(*command, *place, run)[0] == 0
    assert toys.calls() == []


def test_one_report_is_written_and_the_others_stay(focsbench, toys, tmp_path):
    run = tmp_path / "run"
    focsbench("run-all", "--profile", "smoke", "--output", run)
    toys.calls()
    (run / "reports" / "other.md").write_text("")
    before = (run / "config.json").read_bytes()
    code, output, _ = focsbench("report", run, "--only", "table1")
    assert code == 0
    assert toys.calls() == ["report:table1"]
    assert (run / "reports" / "text").read_text().startswith("7(")
    assert (run / "reports" / "other.md").exists()
    assert f"  {run / 'reports' / 'text'}\n" in output
    assert (run / "config.json").read_bytes() == before
    code, _, errors = focsbench("report", run, "--only", "tabel1")
    assert code == 1
    assert "did you mean table1?" in errors


def test_a_failed_step_is_said_and_nothing_else_is_lost(focsbench, toys, tmp_path, monkeypatch):
    run = tmp_path / "run"
    focsbench("train", "mofa", "--profile", "smoke", "--output", run)
    toys.calls()
    original = run_all.build_plan

    def broken(profile):
        bad = toys.step("em", "data", function="refuse")
        return Plan(bad if step.name == "em" else step for step in original(profile).steps)

    monkeypatch.setattr(run_all, "build_plan", broken)
    code, output, errors = focsbench("predict", "--output", run, "--dataset", "ar")
    assert code == 1
    assert "em failed: photo.jpg: not an image; replace it." in errors
    assert "left out, because they need what failed: predict:focs:ar\n" in errors
    assert "predict:mofa:ar" in output
    assert toys.calls() == ["predict:mofa:ar"]


def test_score_says_what_it_needs(focsbench, toys, tmp_path):
    for arguments in (["P"], ["P", "D"], ["P", "D", "--protocol", "now", "--protocol", "ar_rmse"]):
        code, output, errors = focsbench("score", *arguments)
        assert (code, output) == (1, "")
        assert "name a folder of predictions" in errors
    run = tmp_path / "run"
    code, _, errors = focsbench("score", "--run", run, "--profile", "smoke", "fox")
    assert code == 1
    assert "no method of this run is called 'fox'" in errors
    assert not run.exists()


def test_many_steps_with_one_reason_are_one_line(focsbench, toys, tmp_path):
    run = tmp_path / "run"
    focsbench("train", "mofa", "--profile", "smoke", "--output", run)
    code, _, errors = focsbench("report", run)
    assert code == 1
    assert errors.count("its result is not in the run folder") == 1
    assert "em, predict:mofa:ar failed: its result" in errors
