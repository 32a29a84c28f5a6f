"""The step that writes the embedded benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def synthetic_data_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Write the embedded benchmark. config: fields of SyntheticConfig."""
    from focsbench.data.synthetic.benchmark import fill_benchmark
    from focsbench.data.synthetic.config import SyntheticConfig

    del inputs
    fill_benchmark(out, SyntheticConfig.model_validate(config["synthetic"]), workers)
