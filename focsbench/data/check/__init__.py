"""What is in a dataset folder, what is missing, what to do: also for half a download."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from focsbench.data.check.report import CheckReport, Scan
from focsbench.errors import ConfigError, InputError

CHECKS = {
    "celeba": "focsbench.data.check.celeba",
    "ar": "focsbench.data.check.ar",
    "now": "focsbench.data.check.now",
    "authors": "focsbench.data.check.folders",
    "photos": "focsbench.data.check.folders",
}


def check_dataset(name: str, path: Path, *, decode: bool = False, workers: int = 1) -> CheckReport:
    """Look at a dataset folder.

    Args:
        name: ``celeba``, ``ar``, ``now``, ``authors`` or ``photos``.
        path: its folder.
        decode: decode every image to the last pixel, instead of looking at both of its ends.
        workers: processes; they change nothing but the time.

    Raises:
        ConfigError: for another name.
        InputError: if there is no such folder.
    """
    if name not in CHECKS:
        raise ConfigError(f"no check for a dataset called {name!r}; choose {', '.join(CHECKS)}.")
    if not path.is_dir():
        what = "a file" if path.exists() else "not there"
        hint = "unpack it and name the folder" if path.is_file() else "check the path"
        raise InputError(f"{path}: is {what}, a dataset is a folder; {hint}.")
    module = import_module(CHECKS[name])
    check: Callable[[Scan], CheckReport] = getattr(module, f"check_{name}")
    return check(Scan(path, decode, workers))
