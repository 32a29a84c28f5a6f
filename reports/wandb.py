"""A run for Weights & Biases, kept on disk unless the environment asks for more."""

from __future__ import annotations

import os
from pathlib import Path

from .base import ReportContext
from .tracking import PROJECT, load_tracker, pictures, scalars


class WandB:
    """One run with the numbers of all methods as ``method/protocol/subset/metric``, and figures.

    Nothing leaves the machine: the run is written to ``wandb/`` below the reports, for
    ``wandb sync``. Set ``WANDB_MODE=online`` to send it at once; ``WANDB_PROJECT`` and the other
    variables of the library mean what they always do.
    """

    name = "wandb"
    provenance = True

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`.

        Raises:
            ConfigError: if wandb is not installed.
        """
        wandb = load_tracker("wandb", "wandb", "wandb")
        context.output.mkdir(parents=True, exist_ok=True)
        with pictures(context) as drawn:
            run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                name=context.run or None,
                config=dict(context.config),
                dir=str(context.output),
                mode=os.environ.get("WANDB_MODE", "offline"),
                settings=wandb.Settings(silent=True, disable_git=True, x_disable_stats=True),
            )
            try:
                for method, numbers in scalars(context).items():
                    run.summary.update({f"{method}/{name}": v for name, v in numbers.items()})
                run.log({path.stem: wandb.Image(str(path)) for path in drawn})
            finally:
                run.finish()
        folder = context.output / "wandb"
        return sorted(path for path in folder.rglob("*.wandb") if path.is_file())
