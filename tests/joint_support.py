"""The joint stage of tiny networks, for tests of what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training_support import pack_noise, tiny_method

from focsbench.focs.build import (
    ENCODER_FILE,
    UNET_FILE,
    build_autoencoder,
    build_unet,
    save_module,
)
from focsbench.focs.config import FocsConfig
from focsbench.focs.stage_training import StageTraining


def joint_training(root: Path, changes: Mapping[str, Any]) -> StageTraining:
    """The joint stage of R and S from networks that have not learnt anything.

    The networks have batch normalisation and dropout.

    root: folder of a run; gets ``artefacts/em-0``.
    """
    base = {"batch_size": 4, "unet": {"width": 4, "depth": 2, "dropout": 0.2, "norm": "batch"}}
    config = FocsConfig.model_validate(tiny_method(base)).with_changes(changes)
    inputs = {"pack": root / "pack-0", "init": root / "init-0", "segmentation": root / "unet-0"}
    if not inputs["pack"].exists():
        pack_noise(inputs["pack"])
        inputs["init"].mkdir()
        inputs["segmentation"].mkdir()
        encoder = build_autoencoder(config, "anny", 0).encoder
        save_module(encoder, inputs["init"] / ENCODER_FILE)
        save_module(build_unet(config, 0), inputs["segmentation"] / UNET_FILE)
    out = root / "artefacts" / "em-0"
    out.mkdir(parents=True, exist_ok=True)
    settings = {"method": config.model_dump(mode="json"), "face_model": "anny", "seed": 3}
    return StageTraining("em", inputs, out, settings)


def results(root: Path) -> dict[str, bytes]:
    """The bytes of the networks and the log that :func:`joint_training` left."""
    out = root / "artefacts" / "em-0"
    return {name: (out / name).read_bytes() for name in (ENCODER_FILE, UNET_FILE, "log.jsonl")}
