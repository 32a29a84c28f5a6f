"""The rules of the evaluation as data: one text for the protocol card and the command's JSON."""

from __future__ import annotations

from typing import Any

from focsbench.geometry.scan_alignment import OFFICIAL_RULES, AlignmentMode
from focsbench.geometry.scan_crop import BRIDGE_WEIGHT, CROP_FACTOR

NAME = "now"
VERSION = 2
Rules = dict[str, str | int | float | bool | None]


def protocol_name(metrical: bool, mode: AlignmentMode = "official") -> str:
    """Return ``now``, ``now_metrical``, ``now_converged`` or ``now_metrical_converged``."""
    parts = [NAME, *(["metrical"] if metrical else []), *([mode] if mode != "official" else [])]
    return "_".join(parts)


def protocol_rules(metrical: bool, mode: AlignmentMode = "official") -> Rules:
    """Return the rules of the measurement, which the protocol and the command share.

    Source: Sanyal et al., CVPR 2019, and the public description of NoW (now.is.tue.mpg.de).
    """
    solver = f"dogleg, first radius {OFFICIAL_RULES.initial_radius}, "
    solver += (
        f"stop below a relative drop of {OFFICIAL_RULES.relative_drop}"
        if mode == "official"
        else "run on to the least sum of squares"
    )
    return {
        "ground truth": "neutral scan; predictions are neutral and uncropped",
        "crop": f"ball at nose bottom + {BRIDGE_WEIGHT} (bridge - nose bottom), radius "
        f"{CROP_FACTOR} (outer eye distance + nose length) / 2; every vertex once",
        "placement": "Procrustes of 7 landmarks with scale, mirror images allowed",
        "refinement": "scan-to-mesh distances of all cropped vertices, "
        + ("rotation, translation" if metrical else "scale, rotation, translation"),
        "solver": solver,
        "unit": "as stated with the predictions" if metrical else "free (scale is estimated)",
        "distance": "scan vertex to closest surface point, unsigned, mm",
        "aggregation": "one pool of all distances of all images; std is the population's; the "
        "mean of per-image values stands beside it",
        "missing data": "pool over what is there (official); the done-rate is the share of the "
        "images that have a score; comparisons of methods also pool the images that all have",
        "warnings": "are printed and change no number",
    }


def protocol_data(metrical: bool, mode: AlignmentMode) -> dict[str, Any]:
    """Return name, version and rules as the command writes them."""
    return {
        "name": protocol_name(metrical, mode),
        "version": VERSION,
        "rules": {
            **protocol_rules(metrical, mode),
            "challenge filter": "leaves the other images out and does not count them as missing "
            "(the official evaluation counts them)",
        },
    }
