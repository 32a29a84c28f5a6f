"""The command line: quick, quiet, one sentence per known error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from focsbench.cli.main import main
from focsbench.face_models import face_model_path
from focsbench.profiles.profile import load_profile
from focsbench.runs import run_all
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import Plan

COMMAND = Path(sys.executable).with_name("focsbench")
HEAVY = ("torch", "numpy", "matplotlib", "pandas", "pydantic", "numba", "rich.progress")


@pytest.fixture
def toys(toys, monkeypatch):
    """``run-all`` runs the toy plan that ``toys.next`` holds."""
    toys.next = toys.plan()
    monkeypatch.setattr(run_all, "build_plan", lambda _profile: toys.next)
    return toys


def test_help_names_every_command():
    text = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True)
    for name in (
        "run-all",
        "train",
        "predict",
        "report",
        "score",
        "list",
        "models",
        "data",
        "now",
        "compare",
        "convert",
        "doctor",
        "fit",
        "mock-run",
        "plot",
        "profile",
        "runs",
        "sweep",
        "weights",
        "version",
    ):
        assert f"  {name} " in text.stdout


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nsys.argv = ['focsbench', '--help']\n"
        "from focsbench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"loaded = set({HEAVY!r}) & set(sys.modules)\nassert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True)


def test_version_list_and_no_command(focsbench):
    assert focsbench("version") == (0, "focsbench 0.1.0\n", "")
    code, text, _ = focsbench("list")
    assert code == 0
    for name in ("baselines", "mofa", "now", "table1", "quick"):
        assert name in text
    code, text, _ = focsbench()
    assert code == 0
    assert text.startswith("Usage: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run-all", "--profile", "quik"], "did you mean quick?"),
        (["run-all", "--set", "seed=x"], "profile quick: seed"),
        (["run-all", "--output", "FILE"], "FILE: cannot be used as a run folder"),
        (["run-all", "--output", "FILE/sub"], "FILE/sub: cannot be used as a run folder"),
        (["run-all", "--workers", "0"], "Invalid value for '--workers'"),
        (["report", "EMPTY"], "EMPTY: not a run folder"),
        (["models", "show", "--output", "face.bmp"], "face.bmp: pictures are PNG files"),
        (["data", "make", "FULL"], "FULL: this folder is not empty"),
        (["data", "show", "EMPTY"], "EMPTY: this run has no test split of the dataset celeba"),
        (["score", "P", "NONE", "--protocol", "now"], "NONE: this dataset folder does not exist"),
        (["score", "P", "EMPTY", "--protocol", "new"], "no protocol is called 'new'"),
        (["score", "P", "EMPTY", "--protocol", "now"], "the image list of NoW is missing"),
        (["sing"], "No such command 'sing'. Try focsbench --help."),
    ],
)
def test_mistakes_are_one_sentence_on_stderr(focsbench, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("")
    Path("EMPTY").mkdir()
    Path("FULL").mkdir()
    Path("FULL/file").write_text("")
    code, output, errors = focsbench(*arguments)
    assert code == 1
    assert output == ""
    assert errors.startswith("focsbench: ")
    assert message in errors
    assert errors.count("\n") == 1


def test_a_damaged_face_model_is_named(focsbench, tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path))
    path = face_model_path("anny")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a face model")
    code, output, errors = focsbench("models", "show", "--output", tmp_path / "face.png")
    assert (code, output) == (1, "")
    assert str(path) in errors
    assert errors.count("\n") == 1
    plan = build_plan(load_profile("smoke"))
    monkeypatch.setattr(run_all, "build_plan", lambda _: Plan([plan["face_model"]]))
    code, _, errors = focsbench("run-all", "--output", tmp_path / "run")
    assert code == 1
    assert errors.startswith("face_model failed: ")
    assert str(path) in errors


def test_unforeseen_errors_keep_their_traceback(focsbench, monkeypatch):
    def broken(_profile):
        raise ZeroDivisionError

    monkeypatch.setattr(run_all, "build_plan", broken)
    monkeypatch.setattr(sys, "argv", ["focsbench", "run-all"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_run_all_names_its_files_and_repeats_quickly(focsbench, toys, tmp_path):
    run = tmp_path / "run"
    arguments = ["run-all", "--profile", "smoke", "--output", run, "--workers", 2]
    code, output, errors = focsbench(*arguments)
    assert (code, errors) == (0, "")
    for name in ("config.json", "environment.json", "log.txt", "files.txt", "artefacts"):
        assert f"  {run / name}" in output
    assert "d-" in (run / "files.txt").read_text()
    assert toys.calls() == ["a", "b", "c", "d"]

    assert focsbench(*arguments) == (0, output, "")
    assert toys.calls() == []


def test_verbose_prints_finished_steps_without_a_terminal(focsbench, toys, tmp_path):
    _, _, errors = focsbench("run-all", "--output", tmp_path / "run", "--verbose", "--workers", 1)
    assert [line.split()[:2] for line in errors.splitlines()] == [["done", n] for n in "abcd"]


def test_failed_steps_are_reported_at_the_end(focsbench, toys, tmp_path):
    toys.next = Plan(
        [
            toys.step("good"),
            toys.step("bad", "good", function="refuse"),
            toys.step("after", "bad"),
        ]
    )
    code, _, errors = focsbench("run-all", "--output", tmp_path / "run")
    assert code == 1
    assert "bad failed: photo.jpg: not an image; replace it.\n" in errors
    assert "left out, because they need what failed: after\n" in errors
    assert "artefacts/good-" in (tmp_path / "run" / "files.txt").read_text()
    assert "Traceback" not in errors
    assert "Traceback" in (tmp_path / "run" / "log.txt").read_text()


def test_failed_images_are_exit_code_2(focsbench, toys, tmp_path):
    toys.next = Plan([toys.step("predict", function="lose_items")])
    code, _, errors = focsbench("run-all", "--output", tmp_path / "run")
    assert code == 2
    assert "predict: 1 images failed, the first is a/b: too dark" in errors


def test_damaged_cache_is_repaired_and_said(focsbench, toys, tmp_path):
    arguments = ["run-all", "--output", tmp_path / "run"]
    focsbench(*arguments)
    toys.calls()
    next((tmp_path / "run" / "artefacts").glob("b-*/text")).unlink()
    code, _, errors = focsbench(*arguments)
    assert code == 0
    assert errors.startswith("b: computed again: ")
    assert toys.calls() == ["b"]


def test_results_and_reports_are_published_and_old_ones_go(focsbench, toys, tmp_path):
    run = tmp_path / "run"
    arguments = ["run-all", "--output", run]
    toys.next = Plan([toys.step("report:first"), toys.step("aggregate")])
    focsbench(*arguments)
    assert (run / "reports" / "text").read_text() == "0()"
    (run / "reports" / "old.md").write_text("")
    toys.next = Plan([toys.step("report:first", number=5)])
    focsbench(*arguments)
    assert (run / "reports" / "text").read_text() == "5()"
    assert not (run / "reports" / "old.md").exists()


def test_report_runs_reports_only(focsbench, toys, tmp_path):
    run = tmp_path / "run"
    toys.next = Plan([toys.step("aggregate"), toys.step("report:first", "aggregate")])
    focsbench("run-all", "--output", run, "--profile", "smoke")
    toys.calls()
    assert focsbench("report", run)[0] == 0
    assert toys.calls() == ["report:first"]
    toys.next = Plan([toys.step("aggregate", number=1), toys.step("report:first", "aggregate")])
    code, _, errors = focsbench("report", run)
    assert code == 1
    assert "aggregate failed: its result is not in the run folder" in errors


def test_ctrl_c_says_what_is_kept(focsbench, toys, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("focsbench.runs.executor.wait", interrupted)
    code, output, _ = focsbench("run-all", "--output", tmp_path / "run")
    assert code == 130
    assert "Finished steps are kept" in output


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_bars_are_drawn_on_a_terminal_and_leave_nothing_behind(tmp_path):
    """Bars of a step inside the bar of the run share one console."""
    code = (
        "import time\n"
        "from pathlib import Path\n"
        "from focsbench import progress\n"
        "from focsbench.cli.display import Display\n"
        "from focsbench.runs.outcome import Status, StepResult\n"
        "from focsbench.runs.plan import Plan, Step\n"
        "from focsbench.runs.run_folder import RunFolder\n"
        "step = Step('data', 'm:f', '')\n"
        "with Display(Plan([step]), RunFolder(Path('nowhere'))) as display:\n"
        "    display.started(step)\n"
        "    for _ in progress.track(range(3), 'photographs'):\n"
        "        time.sleep(0.15)\n"
        "    display.finished(StepResult('data', Status.DONE))\n"
    )
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", code], stderr=theirs, env=environment, close_fds=True
    )
    os.close(theirs)
    drawn = b""
    try:
        while chunk := os.read(ours, 4096):
            drawn += chunk
    except OSError:  # Linux ends a closed pseudo-terminal with an error
        pass
    os.close(ours)
    assert process.wait() == 0
    assert b"photographs" in drawn
    assert b"data" in drawn
