"""The steps of a plan that predict and score: every row on every dataset, by every protocol."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from focsbench import registry
from focsbench.focs.stages import STAGES
from focsbench.inference.names import TORCH
from focsbench.registry import Kind
from focsbench.runs.plan import Step
from focsbench.runs.row_settings import row_settings
from focsbench.runs.step_maker import StepMaker


def predictions_by_dataset(make: StepMaker) -> dict[str, dict[str, str]]:
    """Return the names of the steps that predict, by dataset and row."""
    return {
        dataset: {row: f"predict:{row}:{dataset}" for row in make.profile.methods}
        for dataset in dict.fromkeys(make.datasets.values())
    }


def prediction_steps(make: StepMaker) -> Iterator[Step]:
    """Yield a step per row and dataset.

    Raises:
        ConfigError, InputError: if weights or a file that a row needs are missing.
    """
    steps = predictions_by_dataset(make)
    for row, stages in make.stages.items():
        plugin = registry.target(Kind.BASELINE, row)
        engine = _engine(make) if stages else ()
        for dataset, by_row in steps.items():
            config = {
                "baseline": row,
                "target": plugin,
                "stages": list(stages),
                "face_model": make.profile.face_model,
                # A row that is not trained has no settings that could make it stale.
                "method": STAGES[stages[-1]].method(make.method) if stages else {},
                **make.images(dataset),
            }
            own = row_settings(make.profile, row, partial(_said, make, row))
            if own:
                config["row"] = own
            if engine:
                config["engine"] = make.profile.engine
            yield make.step(
                by_row[row],
                "focsbench.runs.predict:predict_step",
                ("face_model", "data", *stages),
                config,
                plugin,
                *engine,
            )


def _engine(make: StepMaker) -> tuple[str, ...]:
    """Return the code of an engine other than PyTorch; it rounds differently, so it counts."""
    name = make.profile.engine
    return () if name == TORCH else (registry.target(Kind.ENGINE, name),)


def score_steps(make: StepMaker) -> Iterator[Step]:
    """Yield, per protocol, the step that prepares it and a step per row."""
    by_dataset = predictions_by_dataset(make)
    for protocol, dataset in make.datasets.items():
        plugin = registry.target(Kind.PROTOCOL, protocol)
        predictions = by_dataset[dataset]
        reads = make.declared(Kind.PROTOCOL, protocol, "prepare_reads_predictions")
        shared: dict[str, Any] = {
            "protocol": protocol,
            "target": plugin,
            "card": make.card(protocol),
            **make.images(dataset),
        }
        compared = predictions if reads else {}
        prepared = f"prepare:{protocol}"
        yield make.step(
            prepared,
            "focsbench.runs.score:prepare_step",
            ("data", *compared.values()),
            {**shared, "predictions": compared},
            plugin,
            optional=compared.values(),
        )
        for row, step in predictions.items():
            yield make.step(
                f"score:{row}:{protocol}",
                "focsbench.runs.score:score_step",
                ("data", step, prepared),
                {**shared, "method": row, "predictions": step, "prepared": prepared},
                plugin,
                # Measuring against scans takes as long as a hundred iterations of training.
                iterations=100 if dataset == "now" else 0,
            )


def _said(make: StepMaker, row: str, attribute: str) -> str:
    """Return a class attribute that a baseline may have, or an empty string."""
    return str(make.declared(Kind.BASELINE, row, attribute, default=""))
