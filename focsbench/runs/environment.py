"""What a run ran on: versions, processor, threads. Reads metadata only; imports no library."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from focsbench.threads import KERNELS, LINEAR_ALGEBRA


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
    """Return Python, package versions, hardware, threads and state of the code as JSON values."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_gib": _memory_gib(),
        "gpus": _gpus(),
        "workers": workers,
        "threads": {name: os.environ.get(name, "") for name in (*LINEAR_ALGEBRA, KERNELS)},
        "seed": seed,
        "git": _git(Path(__file__).resolve().parents[2]),
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


def _memory_gib() -> float:
    """Return the memory of this machine, GiB; 0 where the system does not say."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0


def _gpus() -> list[str]:
    """Return the names of the NVIDIA GPUs of this machine."""
    names = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        match = re.search(r"^Model:\s*(.+)$", path.read_text(encoding="utf-8"), re.M)
        names.append(match[1].strip() if match else path.parent.name)
    return names


def _git(checkout: Path) -> dict[str, Any]:
    """Return commit and whether files differ from it; empty if the code is not in a checkout."""
    if not (checkout / ".git").exists():
        return {}
    try:
        commit = _git_says(checkout, "rev-parse", "HEAD")
        changed = _git_says(checkout, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": commit, "changed_files": len(changed.splitlines())}


def _git_says(checkout: Path, *arguments: str) -> str:
    command = ["git", "-C", str(checkout), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
