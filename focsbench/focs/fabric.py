"""Lightning Fabric as focsbench uses it; importing this needs the extra ``scale``."""

from __future__ import annotations

import logging
from typing import Any

from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy

from focsbench.focs.scale_config import ScaleConfig

_PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


class QuietDDP(DDPStrategy):  # type: ignore[misc]
    """Data-parallel training whose processes announce nothing between progress bars."""

    def setup_environment(self) -> None:
        """Join the processes."""
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        super().setup_environment()


def make_fabric(config: ScaleConfig, device: str) -> Fabric:
    """Return what starts the processes.

    They are started from inside a step of the plan, and only on this machine, so neither a launcher
    around the program nor the variables of a cluster's scheduler must have a say.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # It warns of every process that it ends because another one failed; that one says why.
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)
    strategy: Any = "auto"
    if config.devices > 1:
        strategy = QuietDDP(start_method="spawn")
    return Fabric(
        accelerator=device,
        devices=config.devices,
        strategy=strategy,
        precision=_PRECISIONS[config.precision],
        plugins=LightningEnvironment(),
    )
