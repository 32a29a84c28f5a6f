"""The embedded benchmark: photographs of generated people in the layouts of the real datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from focsbench.data.synthetic.config import GENERATOR_VERSION, SyntheticConfig

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["GENERATOR_VERSION", "SyntheticConfig", "write_benchmark"]


def write_benchmark(root: Path, config: SyntheticConfig, workers: int) -> None:
    """Write the embedded benchmark; see ``focsbench.data.synthetic.benchmark``."""
    from focsbench.data.synthetic import benchmark  # the renderer is heavy to import

    benchmark.write_benchmark(root, config, workers)
