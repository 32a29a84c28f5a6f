"""Settings of the machine that trains: device, number of processes, precision.

They are settings of the method, because sums in another order or precision give other weights.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from focsbench.networks.config import Section


class ScaleConfig(Section):
    """Where the networks train; ``batch_size`` is what all devices process together."""

    accelerator: Literal["cpu", "cuda", "auto"] = Field(
        default="cpu", description="cpu, cuda, or auto: a GPU if there is one"
    )
    devices: int = Field(
        default=1,
        ge=1,
        description="processes on this machine, one per device; each takes an equal share of "
        "every batch (more than one needs the extra 'scale')",
    )
    precision: Literal["float32", "bf16", "fp16"] = Field(
        default="float32",
        description="of the networks: float32, or mixed (needs the extra 'scale'); renderer and "
        "losses are always float32",
    )

    @property
    def plain(self) -> bool:
        """Whether one ordinary process is enough."""
        return self.devices == 1 and self.precision == "float32"
