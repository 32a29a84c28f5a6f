"""The last steps of a plan: the scores together, and the reports on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from focsbench import registry
from focsbench.registry import Kind
from focsbench.runs.environment import describe_environment
from focsbench.runs.plan import Step
from focsbench.runs.run_folder import AGGREGATE, REPORT
from focsbench.runs.score_plan import predictions_by_dataset
from focsbench.runs.step_maker import StepMaker
from focsbench.runs.sweep_plan import PROTOCOL as SWEEP_PROTOCOL
from focsbench.runs.sweep_plan import SWEEP

# Of the environment; the number of workers and of cores makes no difference to any result.
_REPORTED = ("python", "platform", "processor", "packages")


def result_steps(make: StepMaker) -> Iterator[Step]:
    """Yield the step that joins all scores, and a step per report."""
    profile = make.profile
    swept = _swept(make)
    scores = [f"score:{m}:{p}" for p in profile.protocols for m in profile.methods] + swept
    function = "focsbench.runs.report:aggregate_step"
    yield make.step(AGGREGATE, function, tuple(scores), {"scores": scores}, optional=scores)
    protocols = [registry.target(Kind.PROTOCOL, name) for name in profile.protocols]
    for report in profile.reports:
        plugin = registry.target(Kind.REPORT, report)
        source = make.declared(Kind.REPORT, report, "source", default=AGGREGATE)
        source = source if source in swept else AGGREGATE
        inputs, config = _report_inputs(make, source)
        if make.declared(Kind.REPORT, report, "provenance", default=False):
            config |= _provenance(make)
        optional = [name for name in inputs if name not in ("data", source)]
        yield make.step(
            f"{REPORT}{report}",
            "focsbench.runs.report:report_step",
            inputs,
            {**config, "report": report, "target": plugin},
            plugin,
            *protocols,
            optional=optional,
        )


def _swept(make: StepMaker) -> list[str]:
    return [SWEEP] if make.profile.sweep is not None else []


def _provenance(make: StepMaker) -> dict[str, Any]:
    """Return what a report may print about the run, without what does not change results.

    The list of reports is left out: writing one alone gives the same as writing all.
    """
    profile = make.profile.resolved().model_dump(mode="json", exclude={"reports"})
    environment = describe_environment(make.profile.seed, workers=0)
    stable = {k: v for k, v in environment.items() if k in _REPORTED}
    return {"profile": profile, "environment": stable}


def _report_inputs(make: StepMaker, source: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the inputs of a report and its config without its name.

    source: the step that holds its results; a report of the sweep alone needs nothing else.
    """
    profile = make.profile
    config: dict[str, Any] = {
        "run": f"profile {profile.name}, {profile.evaluation_split} split, seed {profile.seed}",
        "seed": profile.seed,
        "results": source,
        "labels": [],
        "protocols": [],
        "predictions": {make.declared(Kind.PROTOCOL, SWEEP_PROTOCOL, "dataset"): {}},
        "distances": {},
        "split": profile.evaluation_split,
        "image_size": make.method["image_size"],
    }
    if source == SWEEP:
        return ("data", SWEEP), config
    predictions = predictions_by_dataset(make)
    distances = {m: f"score:{m}:now" for m in profile.methods if "now" in profile.protocols}
    config |= {
        "labels": [list(pair) for pair in make.labels.items()],
        "protocols": list(profile.protocols),
        "cards": {name: make.card(name) for name in profile.protocols},
        "predictions": predictions,
        "distances": distances,
    }
    steps = [step for by_row in predictions.values() for step in by_row.values()]
    return ("data", AGGREGATE, *steps, *distances.values(), *_swept(make)), config
