"""The iteration loop that all training stages share: log, checkpoints, and a stop on nonsense."""

from __future__ import annotations

import math
from collections.abc import Callable

from focsbench.errors import TrainingError
from focsbench.focs.checkpoints import Checkpoints
from focsbench.progress import track

LOG_EVERY = 20  # iterations averaged into one line of the training log


def run_iterations(
    stage: str,
    total: int,
    step: Callable[[int], dict[str, float]],
    checkpoints: Checkpoints | None,
    checkpoint_every: int,
) -> list[dict[str, float]]:
    """Run ``step(iteration)`` for all iterations that no checkpoint has done yet.

    Args:
        stage: name for the progress bar and for errors.
        total: number of iterations of the stage.
        step: trains one iteration and returns its loss terms.
        checkpoints: where interrupted stages resume from; None keeps nothing.
        checkpoint_every: iterations between two checkpoints.

    Returns:
        The log: one entry per `LOG_EVERY` iterations, terms averaged over those that report them.

    Raises:
        TrainingError: as soon as a term is not finite; earlier checkpoints stay.
    """
    done, log = checkpoints.restore() if checkpoints else (0, [])
    window: list[dict[str, float]] = []
    for iteration in track(range(done, total), stage, total=total - done):
        terms = step(iteration)
        _check(stage, iteration, terms)
        window.append(terms)
        if (iteration + 1) % LOG_EVERY == 0 or iteration + 1 == total:
            log.append({"iteration": iteration + 1, **_average(window)})
            window = []
        if checkpoints and (iteration + 1) % checkpoint_every == 0:
            checkpoints.save(iteration + 1, log)
    return log


def _check(stage: str, iteration: int, terms: dict[str, float]) -> None:
    bad = [name for name, value in terms.items() if not math.isfinite(value)]
    if bad:
        raise TrainingError(
            f"{stage}, iteration {iteration}: {', '.join(bad)} is not finite; "
            "lower the learning rate of this stage and run again (it resumes)."
        )


def _average(window: list[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for terms in window for name in terms})
    means = {}
    for name in names:
        values = [terms[name] for terms in window if name in terms]
        means[name] = sum(values) / len(values)
    return means
