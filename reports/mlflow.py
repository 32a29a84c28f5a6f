"""A run for MLflow, at the place that the environment names."""

from __future__ import annotations

import os
from pathlib import Path

from focsbench.errors import ConfigError

from .base import ReportContext, write_text
from .tracking import PROJECT, load_tracker, pictures, scalars

ADDRESS = "MLFLOW_TRACKING_URI"
EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"
FIGURES = "figures"


class MLflow:
    """One MLflow run per method with its numbers, one with the figures.

    ``MLFLOW_TRACKING_URI`` names a server, a database or a folder. MLflow stores absolute paths,
    so that no place inside a run folder, which may move, can be the default. The file that is
    written, ``mlflow.txt``, lists the identifiers of the runs.
    """

    name = "mlflow"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`.

        Raises:
            ConfigError: if mlflow is not installed, or no place is named.
        """
        tracking = load_tracker("mlflow.tracking", "mlflow", "mlflow")
        entities = load_tracker("mlflow.entities", "mlflow", "mlflow")
        address = os.environ.get(ADDRESS)
        if not address:
            raise ConfigError(
                f"the report mlflow needs a place to write to; set {ADDRESS}, for example to "
                "sqlite:////tmp/mlflow.db or http://server:5000."
            )
        client = tracking.MlflowClient(address)
        name = os.environ.get(EXPERIMENT, PROJECT)
        known = client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else client.create_experiment(name)
        lines = []
        for method, numbers in scalars(context).items():
            run = client.create_run(experiment, run_name=f"{method} ({context.run})").info.run_id
            client.set_tag(run, "method", method)
            metrics = [entities.Metric(key, value, 0, 0) for key, value in numbers.items()]
            client.log_batch(run, metrics=metrics)
            client.set_terminated(run)
            lines.append(f"{run} {method}")
        run = client.create_run(experiment, run_name=f"{FIGURES} ({context.run})").info.run_id
        with pictures(context) as drawn:
            for path in drawn:
                client.log_artifact(run, str(path), FIGURES)
        client.set_terminated(run)
        lines.append(f"{run} {FIGURES}")
        return [write_text(context.output / "mlflow.txt", "\n".join(lines))]
