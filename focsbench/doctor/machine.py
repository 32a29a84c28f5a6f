"""The machine: cores, memory, GPU, caches. No library is imported and nothing started for it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from focsbench.doctor.findings import Item, Section, State, section
from focsbench.paths import cache_dir
from focsbench.runs.environment import package_version, usable_cores

_SPACE_GIB = 5.0  # a run of the profile full needs less


def machine_sections() -> Iterator[Section]:
    """Yield what is said about hardware and folders."""
    yield section("Machine", [_cores(), *_memory(), _gpu()])
    yield section("Folders", [_cache(), _space()])


def _cores() -> Item:
    return Item(
        "cores", State.OK, f"{usable_cores()}; a run starts as many processes of one thread each"
    )


def _memory() -> Iterator[Item]:
    info = Path("/proc/meminfo")
    if info.is_file():
        match = re.search(r"MemAvailable:\s+(\d+) kB", info.read_text(encoding="utf-8"))
        if match:
            yield Item("memory", State.OK, f"{int(match[1]) / 2**20:.1f} GiB available")


def _gpu() -> Item:
    devices = sorted(Path("/dev").glob("nvidia[0-9]*"))
    if not devices and shutil.which("nvidia-smi") is None:
        return Item("GPU", State.MISSING, "none found; profiles quick and full do without one")
    count = len(devices) or "an unknown number"
    if "+cpu" in package_version("torch"):
        return Item(
            "GPU", State.MISSING, f"{count} found, but torch is a CPU build; see pytorch.org"
        )
    return Item("GPU", State.OK, f"{count} found; method.changes.scale.accelerator names it")


def _cache() -> Item:
    folder = cache_dir()
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        return Item(
            "cache",
            State.BROKEN,
            f"{folder} cannot be written; set FOCSBENCH_CACHE to a folder that can",
        )
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Item("cache", State.OK, f"{folder}, {size / 2**20:.0f} MiB")


def _space() -> Item:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    if free < _SPACE_GIB:
        return Item("space here", State.MISSING, f"{free:.1f} GiB free; runs go into this folder")
    return Item("space here", State.OK, f"{free:.0f} GiB free")
