"""``focsbench sweep``: which weights it changes, what it runs, what it says."""

import json
import sys

import pytest

from focsbench.errors import ConfigError
from focsbench.focs.sweep import ETAS
from focsbench.profiles.profile import load_profile
from focsbench.runs import run_all
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import Plan, Step
from focsbench.runs.sweep_plan import swept_profile

MODULE = """
import json


def sweep(inputs, out, config, workers):
    rows = [
        {"method": f"eta_area={value}", "protocol": "eta_sweep", "subset": "overall",
         "metric": metric, "value": 0.5 + value / 10, "std": 0.1, "n": 3, "done_rate": 1.0}
        for value in config["values"]
        for metric in ("ACC", "PPV", "TPR", "F1")
    ]
    (out / "summary.json").write_text(json.dumps(rows))


def report(inputs, out, config, workers):
    (out / "eta_sweep.md").write_text("as it goes")


def elsewhere(inputs, out, config, workers):
    raise AssertionError("nobody asked for this step")
"""


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    """Runs execute a toy sweep; the profiles that they were planned from are collected."""
    (tmp_path / "toy_sweep.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    seen = []

    def plan(profile):
        seen.append(profile)
        values = [0, *profile.sweep.values.get("eta_area", (2,))]
        return Plan(
            [
                Step("mofa", "toy_sweep:elsewhere", "1"),
                Step("sweep", "toy_sweep:sweep", "1", config={"values": values}),
                Step("aggregate", "toy_sweep:elsewhere", "1", ("sweep", "mofa")),
                Step("report:eta_sweep", "toy_sweep:report", "1", ("sweep",)),
            ]
        )

    monkeypatch.setattr(run_all, "build_plan", plan)
    yield seen
    sys.modules.pop("toy_sweep", None)


def test_the_sweep_alone_is_run_and_its_trends_are_said(focsbench, profiles, tmp_path):
    run = tmp_path / "run"
    code, output, errors = focsbench("sweep", "--profile", "smoke", "--output", run)
    assert (code, errors) == (0, "")
    line, figure = output.splitlines()
    assert line == ("η3 (area) at 0, 2: recall 0.500, 0.700; paper: recall up; as the paper says")
    assert figure == f"Figure and numbers: {run / 'reports' / 'eta_sweep'}.png, .pdf, .csv, .md"
    assert (run / "reports" / "eta_sweep.md").is_file()
    assert not (run / "results.csv").exists()
    assert profiles[-1].sweep.etas == ETAS
    assert "eta_sweep" in profiles[-1].reports


def test_options_choose_weights_values_and_length(focsbench, profiles, tmp_path):
    run = tmp_path / "run"
    start = ["sweep", "--profile", "smoke", "--output", run, "--set", "seed=3"]
    code, output, _ = focsbench(
        *start, "--eta", "area", "--eta", "eta_bin", "--values", "1,4", "--iterations", "9"
    )
    assert code == 0
    assert "at 0, 1, 4" in output
    assert profiles[-1].seed == 3
    sweep = profiles[-1].sweep
    assert sweep.etas == ("eta_area", "eta_bin")
    assert sweep.values == {"eta_area": (1.0, 4.0), "eta_bin": (1.0, 4.0)}
    assert sweep.iterations == 9
    # The next command goes on with the settings of the run.
    assert json.loads((run / "config.json").read_text())["seed"] == 3
    assert focsbench("sweep", "--output", run)[0] == 0
    assert profiles[-1].seed == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eta", "aera"], "did you mean eta_area?"),
        (["--values", "1,2"], "name it with --eta"),
        (["--eta", "area", "--values", "1;2"], "write numbers as 0,0.5,1"),
        (["--eta", "area", "--values=-1"], "finite and not negative"),
        (["--eta", "area", "--values", "nan"], "finite and not negative"),
    ],
)
@pytest.mark.usefixtures("profiles")
def test_mistakes_are_one_sentence(focsbench, tmp_path, arguments, message):
    run = tmp_path / "run"
    code, output, errors = focsbench("sweep", "--profile", "smoke", "--output", run, *arguments)
    assert (code, output) == (1, "")
    assert message in errors
    assert errors.count("\n") == 1


def test_a_profile_keeps_its_own_sweep():
    profile = load_profile("smoke", ["sweep.values.eta_bin=[3.0]", "sweep.iterations=2"])
    assert swept_profile(profile).sweep == profile.sweep
    changed = swept_profile(profile, ["eta_area"], [1.0]).sweep
    assert changed.values == {"eta_bin": (3.0,), "eta_area": (1.0,)}
    assert (changed.etas, changed.iterations) == (("eta_area",), 2)
    assert swept_profile(swept_profile(profile)) == swept_profile(profile)
    with pytest.raises(ConfigError, match="no weight of the segmentation loss"):
        swept_profile(profile, ["eta_pixel"])


def test_it_shares_all_steps_with_run_all():
    profile = load_profile("smoke", ["sweep.iterations=2"])
    whole, alone = build_plan(profile), build_plan(swept_profile(profile, iterations=2))
    part = alone.restricted_to(["report:eta_sweep"])
    for name in part.keys.keys() - {"report:eta_sweep"}:
        assert whole.keys[name] == part.keys[name]
