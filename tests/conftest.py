"""The tests run against the installed package, editable or not.

``python -m pytest`` puts the repository root first on the import path. Its folder ``focsbench``
lacks the folders that are mapped into the package, so it must not hide the installed one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from focsbench.threads import single_threaded_linear_algebra

ROOT = Path(__file__).resolve().parents[1]
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers of pytest-xdist have a core each. Threads of several would wait for one another, and
    # a training of seconds would take minutes.
    single_threaded_linear_algebra()

# The same examples every time: a red run is then a change of the code, not of the luck.
# Kernels compile on their first call, and the machine may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_configure(config):
    """Give a file to one worker as a whole, so that its shared fixtures are made once."""
    if getattr(config.option, "dist", "no") == "load":  # what -n alone means
        config.option.dist = "loadfile"
        config.option.loadscopereorder = False  # which starts the longest tests last


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let every test draw the same numbers from torch's global generator, whatever ran before."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def focsbench(monkeypatch, capsys):
    """Call the command in this process; gives exit code, stdout and stderr."""
    from focsbench.cli.main import main
    from focsbench.threads import LINEAR_ALGEBRA

    for variable in LINEAR_ALGEBRA:  # main sets it; the next tests must not see it
        monkeypatch.setenv(variable, "1")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["focsbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """Toy steps for the run machinery, in a module of this test alone."""
    from runs_support import Toys

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "toy_steps", raising=False)
    yield Toys(tmp_path)
    sys.modules.pop("toy_steps", None)


@pytest.fixture
def store(tmp_path):
    from focsbench.runs.store import Store

    return Store(tmp_path / "run" / "artefacts")
