"""A few noise photographs, tiny networks, and stages run as the plan runs them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from focsbench.data.aligned import AlignedArrays
from focsbench.focs.presets import load_preset
from focsbench.focs.stages import STAGES

SIZE = 96


def pack_noise(folder: Path, seed: int = 0, count: int = 8) -> Path:
    """Write photographs of noise with plausible landmarks, as a packing stage does."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    AlignedArrays(
        images=rng.integers(0, 255, (count, SIZE, SIZE, 3), dtype=np.uint8),
        landmarks=(SIZE / 2 + rng.normal(0, 12, (count, 68, 2))).astype(np.float32),
        masks=rng.random((count, SIZE, SIZE)) < 0.5,
        subjects=np.arange(count, dtype=np.int32),
    ).save(folder)
    return folder


def tiny_method(changes: dict[str, Any]) -> dict[str, Any]:
    """Return settings of the smoke preset with smaller networks, as plain data."""
    tiny = {
        "batch_size": 2,
        "encoder": {"widths": [4, 6, 8, 8], "hidden": 16, "weights": None},
        "unet": {"width": 4, "depth": 2},
    }
    return load_preset("smoke", tiny).with_changes(changes).model_dump(mode="json")


def run_stage(name: str, root: Path, inputs: dict[str, Path], method: dict[str, Any]) -> Path:
    """Run a stage of a plan: its function, its folders, its view of the settings."""
    stage = STAGES[name]
    module, function = stage.function.split(":")
    out = root / "artefacts" / f"{name}-0123"
    out.mkdir(parents=True)
    config = {"method": stage.method(method), "face_model": "anny", "seed": 3}
    needed = {need: inputs[need] for need in stage.needs}
    getattr(import_module(module), function)(needed, out, config, 1)
    return out
