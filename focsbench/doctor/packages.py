"""Packages: what focsbench needs, against what is installed. Reads metadata, imports nothing."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from focsbench.doctor.findings import Item, Section, State, section

CONSTRAINTS = Path("constraints.txt")
EXTRAS = {
    "scale": "training on several GPUs, TensorBoard logs",
    "open3d": "benchmarks against Open3D",
    "ray": "steps on a Ray cluster",
    "onnx": "recognition networks in ONNX files as perceptual networks",
    "openvino": "networks that run faster on a CPU (--engine openvino)",
    "dlib-weights": "dlib's CC0 recognition network as perceptual network",
    "dlib": "landmarks of photographs",
    "face-alignment": "landmarks of photographs, as in the paper",
    "insightface": "landmarks of photographs",
    "test": "the tests",
    "dev": "changing focsbench",
}
_EXTRA = re.compile(r"""extra\s*==\s*["']([\w.-]+)["']""")


def package_sections() -> Iterator[Section]:
    """Yield what is said about Python, needed packages and extras."""
    yield section("Python and packages", [_python(), *_needed()])
    yield section("Extras (optional)", _extras())


def _python() -> Item:
    return Item("python", State.OK, platform.python_version())


def _needed() -> Iterator[Item]:
    """One line for all that is well, and one for each package that is not."""
    good = []
    for requirement in _requirements():
        found, fits = _installed(requirement)
        if fits:
            good.append(requirement.name)
        else:
            have = f"version {found} is installed" if found else "not installed"
            yield Item(
                requirement.name,
                State.BROKEN,
                f"{have}, needed is {requirement.specifier or 'any version'}; "
                f'run `pip install "{requirement.name}{requirement.specifier}"`',
            )
    yield Item("needed packages", State.OK, f"{len(good)} installed in versions that fit")
    yield from _torch()
    yield from _constraints()


def _torch() -> Iterator[Item]:
    found = _version("torch")
    if found:
        kind = "CPU build" if "+cpu" in found else "may use a GPU"
        yield Item("torch", State.OK, f"{found} ({kind})")


def _constraints() -> Iterator[Item]:
    """Compare with the versions that the tests pass with, where their list is at hand."""
    if not CONSTRAINTS.is_file():
        return
    pinned = re.findall(r"^([\w.-]+)==(\S+)", CONSTRAINTS.read_text(encoding="utf-8"), re.M)
    other = [
        f"{name} {have} (tested: {pin})"
        for name, pin in pinned
        if (have := _version(name)) and have.partition("+")[0] != pin.partition("+")[0]
    ]
    if other:
        more = f" and {len(other) - 4} more" if len(other) > 4 else ""
        yield Item(
            "tested versions",
            State.MISSING,
            f"{len(other)} packages differ from {CONSTRAINTS}: {', '.join(other[:4])}{more}",
        )
    else:
        yield Item("tested versions", State.OK, f"as in {CONSTRAINTS}")


def _extras() -> Iterator[Item]:
    by_extra: dict[str, list[Requirement]] = {}
    for line in _lines():
        match = _EXTRA.search(line)
        if match:
            by_extra.setdefault(match[1], []).append(Requirement(line.partition(";")[0]))
    for extra, requirements in by_extra.items():
        absent = [
            one.name
            for one in requirements
            if canonicalize_name(one.name) != "focsbench" and not _installed(one)[1]
        ]
        purpose = EXTRAS.get(extra, "")
        if absent:
            text = f"{purpose}: `pip install 'focsbench[{extra}]'` adds {', '.join(absent)}"
            yield Item(extra, State.MISSING, text.removeprefix(": "))
        else:
            yield Item(extra, State.OK, purpose)


def _requirements() -> list[Requirement]:
    return [Requirement(line) for line in _lines() if not _EXTRA.search(line)]


def _lines() -> list[str]:
    try:
        return requires("focsbench") or []
    except PackageNotFoundError:
        return []


def _installed(requirement: Requirement) -> tuple[str, bool]:
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return "", True
    found = _version(requirement.name)
    return found, bool(found) and requirement.specifier.contains(found, prereleases=True)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
