"""The detectors by name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from focsbench.errors import ConfigError
from focsbench.landmarks.faces import Detector

AUTO = "auto"
# name -> module that has to be installed, and the class here that uses it; the order is that of
# `auto`: the first works with packages of the index alone, the others fetch weights elsewhere.
_KNOWN = {
    "dlib": ("dlib", "focsbench.landmarks.dlib_detector:DlibDetector"),
    "face-alignment": (
        "face_alignment",
        "focsbench.landmarks.face_alignment_detector:FaceAlignmentDetector",
    ),
    "insightface": ("insightface", "focsbench.landmarks.insightface_detector:InsightFaceDetector"),
}


def detector_names() -> tuple[str, ...]:
    """Names that :func:`open_detector` takes beside ``auto``."""
    return tuple(_KNOWN)


def open_detector(name: str = AUTO, weights: Path | None = None) -> Detector:
    """Load a detector.

    Args:
        name: one of :func:`detector_names`, or ``auto`` for the first that is installed.
        weights: folder with the files of its weights; each module says which.

    Raises:
        ConfigError: if the name is unknown, its package is not installed, or a file is missing.
    """
    installed = [known for known, (module, _) in _KNOWN.items() if find_spec(module)]
    if name == AUTO and not installed:
        raise ConfigError(
            "no landmark detector is installed; `pip install dlib-bin face-recognition-models`, "
            "or pass landmarks of your own with --landmarks."
        )
    chosen = installed[0] if name == AUTO else name
    if chosen not in _KNOWN:
        raise ConfigError(
            f"there is no detector '{chosen}'; choose {AUTO}, {', '.join(_KNOWN)}, or pass "
            "landmarks of your own."
        )
    if chosen not in installed:
        extra = "dlib-bin face-recognition-models" if chosen == "dlib" else chosen
        raise ConfigError(f"detector {chosen} is not installed; `pip install {extra}` adds it.")
    if weights is not None and not weights.is_dir():
        raise ConfigError(f"{weights}: no such folder of detector weights; check the path.")
    module, _, attribute = _KNOWN[chosen][1].partition(":")
    detector: Detector = getattr(import_module(module), attribute)(weights)
    return detector


def missing_weights(detector: str, files: tuple[str, ...], place: Path, fetch: str) -> ConfigError:
    """The error for weights that are not there and cannot be fetched.

    Args:
        detector: its name.
        files: names of all files that it needs.
        place: a folder where it would find them by itself.
        fetch: where they come from.
    """
    return ConfigError(
        f"detector {detector} needs the weights {' and '.join(files)} ({fetch}); put them into "
        f"{place}, or into a folder named by --detector-weights."
    )
