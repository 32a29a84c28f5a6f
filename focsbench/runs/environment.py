"""What a run ran on: versions, processor, threads. Reads metadata only; imports no library."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def visible_gpus() -> int:
    """Return the number of NVIDIA GPUs that this process may use, without waking torch."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return len([name for name in named.split(",") if name.strip() not in ("", "-1")])
    folder = Path("/proc/driver/nvidia/gpus")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def describe_environment(seed: int, workers: int) -> dict[str, Any]:
    """Return Python, package versions, processor and threads as JSON values."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": usable_cores(),
        "workers": workers,
        "seed": seed,
        "packages": {name: package_version(name) for name in ["focsbench", *_dependencies()]},
    }


def package_version(name: str) -> str:
    """Return the version of an installed distribution, or ``not installed``."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _dependencies() -> list[str]:
    """Names of the required packages of focsbench, without those of its extras."""
    try:
        lines = requires("focsbench") or []
    except PackageNotFoundError:
        return []
    needed = [line for line in lines if "extra ==" not in line]
    return sorted(match[0] for line in needed if (match := re.match(r"[\w.-]+", line)))


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        match = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.M)
        if match:
            return match[1]
    return platform.processor() or platform.machine()
