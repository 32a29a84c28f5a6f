"""The steps of the eta sweep in the plan of a run: one per point, and one that gathers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from focsbench import registry
from focsbench.errors import ConfigError
from focsbench.focs.stages import STAGES, Stage
from focsbench.focs.sweep import ETAS, SweepConfig, point_iterations, sweep_points
from focsbench.runs.plan import Step

if TYPE_CHECKING:
    from focsbench.profiles.profile import Profile

SWEEP = "sweep"
REPORT = "eta_sweep"
PROTOCOL = "ar_segmentation"


def sweep_stages(sweep: SweepConfig) -> tuple[str, ...]:
    """Return the training stages that every point reads."""
    return ("pack", "segmentation", sweep.autoencoder)


def sweep_steps(
    sweep: SweepConfig,
    method: Mapping[str, Any],
    training: Callable[[Stage], dict[str, Any]],
    images: Mapping[str, Any],
    plugin: str,
    make: Callable[..., Step],
    card: str,
) -> Iterator[Step]:
    """Yield the steps of all points, the standard one once, and the step ``sweep``.

    Args:
        sweep: which points.
        method: settings of the run, as plain data.
        training: gives the config that all training stages have.
        images: dataset, split and image_size of the photographs that are segmented.
        plugin: target of the protocol that scores the masks.
        make: makes a step of (name, function, inputs, config, *plugins).
        card: fingerprint of the card of that protocol.

    Raises:
        ConfigError: if no weight can be swept.
    """
    points = sweep_points(sweep, method)
    iterations = point_iterations(sweep, method)
    base = replace(
        STAGES["em"], function="focsbench.runs.sweep:point_step", needs=sweep_stages(sweep)
    )
    trained = {point.step: base.variant(point.step, point.changes) for point in points}
    for stage in trained.values():
        yield make(
            stage.name,
            stage.function,
            ("face_model", "data", *stage.needs),
            {**training(stage), "iterations": iterations, **images},
            iterations=iterations,
        )
    described = [
        {
            "method": point.method,
            "eta": point.eta,
            "value": point.value,
            "standard": point.standard,
            "step": point.step,
        }
        for point in points
    ]
    config = {
        "protocol": PROTOCOL,
        "target": plugin,
        "card": card,
        "points": described,
        "autoencoder": sweep.autoencoder,
        "iterations": iterations,
        **images,
    }
    function = "focsbench.runs.sweep:gather_step"
    yield make(SWEEP, function, ("data", *trained), config, plugin, optional=trained)


def swept_profile(
    profile: Profile,
    etas: Sequence[str] = (),
    values: Sequence[float] = (),
    iterations: int | None = None,
) -> Profile:
    """Return a profile with a sweep and its report, the profile's own sweep with changes.

    Args:
        profile: of the run; without a sweep it gets the default one.
        etas: weights that are swept, with or without ``eta_``; empty for those of the profile.
        values: of each of these weights; empty for those of the profile.
        iterations: of S at each point; None for those of the profile.

    Raises:
        ConfigError: if there is no such weight, or there are values but no weight.
    """
    sweep = (profile.sweep or SweepConfig()).model_dump()
    named = [eta if eta.startswith("eta_") else f"eta_{eta}" for eta in etas]
    for eta in named:
        if eta not in ETAS:
            raise registry.unknown("weight of the segmentation loss", eta, ETAS)
    if values and not named:
        raise ConfigError("sweep: values need the weight that has them; name it with --eta.")
    if named:
        sweep["etas"] = tuple(dict.fromkeys(named))
    if values:
        sweep["values"] |= dict.fromkeys(named, tuple(values))
    if iterations is not None:
        sweep["iterations"] = iterations
    reports = [name for name in profile.reports if name != REPORT]
    return profile.with_changes(sweep=sweep, reports=[*reports, REPORT])
