"""The iteration loop that all training stages share: log, checkpoints, and a stop on nonsense."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focsbench.errors import TrainingError
from focsbench.focs.checkpoints import Checkpoints
from focsbench.focs.engine import Engine
from focsbench.focs.events import Events
from focsbench.focs.not_finite import NotFiniteError, check_terms
from focsbench.progress import track

LOG_EVERY = 20  # iterations averaged into one line of the training log
COLLAPSED = 0.01  # share of the rendered face that a mask has to keep

log_messages = logging.getLogger(__name__)

Entry = dict[str, float]


def run_iterations(
    stage: str,
    total: int,
    step: Callable[[int], dict[str, float]],
    checkpoints: Checkpoints | None,
    checkpoint_every: int,
    collapse_iterations: int = 0,
    engine: Engine | None = None,
    events: Events | None = None,
) -> list[Entry]:
    """Run ``step(iteration)`` for all iterations that no checkpoint has done yet.

    Args:
        stage: name for the progress bar and for errors.
        total: number of iterations of the stage.
        step: trains one iteration and returns its loss terms.
        checkpoints: where interrupted stages resume from; None keeps nothing. The end of the
            stage is kept as well.
        checkpoint_every: iterations between two checkpoints.
        collapse_iterations: stop after so many iterations in a row whose mask kept less than
            `COLLAPSED`; 0: only warn, once.
        engine: says which of several processes this is; the first one writes.
        events: gets every entry of the log at once.

    Returns:
        The log: one entry per `LOG_EVERY` iterations, terms averaged over those that report them.

    Raises:
        TrainingError: as soon as a term or a gradient is not finite, before it reaches a weight,
            or if the mask has collapsed; the latest checkpoint stays.
    """
    engine = engine or Engine()
    progress = _restore(checkpoints, engine)
    saved = int(progress.get("iteration", 0))
    log, window = progress.get("log", []), progress.get("window", [])
    count = progress.get("collapsed", 0)
    guard = CollapseGuard(stage, collapse_iterations, count, silent=engine.rank > 0)
    for iteration in track(range(saved, total), stage, total=total - saved):
        try:
            terms = step(iteration)
            check_terms("", terms)
        except NotFiniteError as error:
            raise TrainingError(
                f"{stage}, iteration {iteration}: {error} is not finite; lower the learning rate "
                f"of this stage or clip its gradient{_kept(checkpoints, saved)}."
            ) from None
        guard.see(iteration, terms)
        window.append(terms)
        if (iteration + 1) % LOG_EVERY == 0 or iteration + 1 == total:
            log.append({"iteration": iteration + 1, **_average(window)})
            window = []
            if events:
                events.write(log[-1])
        if checkpoints and ((iteration + 1) % checkpoint_every == 0 or iteration + 1 == total):
            saved = iteration + 1
            if engine.rank == 0:
                state = {"iteration": saved, "log": log, "window": window}
                checkpoints.save({**state, "collapsed": guard.in_a_row})
    return list(log)


def _restore(checkpoints: Checkpoints | None, engine: Engine) -> dict[str, Any]:
    """Load the latest checkpoint; the first process decides whether it can be used."""
    if checkpoints is None:
        return {}
    restored = checkpoints.restore() if engine.rank == 0 else {}
    engine.wait()
    return checkpoints.restore() if engine.rank else restored


def _kept(checkpoints: Checkpoints | None, saved: int) -> str:
    if not (checkpoints and saved):
        return ""
    return f" (the networks of iteration {saved} are kept in {checkpoints.file})"


@dataclass
class CollapseGuard:
    """Notices masks that keep nothing: R then learns from no pixel, and S has given up.

    stage: for the message.
    limit: iterations in a row before training stops; 0: a warning is enough.
    in_a_row: iterations so far.
    silent: do not warn, because another process does.
    """

    stage: str
    limit: int
    in_a_row: int = 0
    silent: bool = False

    def see(self, iteration: int, terms: Mapping[str, float]) -> None:
        """Look at the kept share among the terms of an iteration.

        Raises:
            TrainingError: if the mask has been empty for too long.
        """
        shares = [value for name, value in terms.items() if name.endswith("kept")]
        if not shares:
            return
        self.in_a_row = self.in_a_row + 1 if min(shares) < COLLAPSED else 0
        if self.limit and self.in_a_row >= self.limit:
            raise TrainingError(
                f"{self.stage}, iteration {iteration}: the mask has kept less than "
                f"{COLLAPSED:.0%} of the rendered face for {self.in_a_row} iterations; raise "
                "eta_area or eta_presv, lower the other etas, or initialise longer."
            )
        if self.in_a_row and not self.silent:
            self.silent = True  # once is enough
            log_messages.warning(
                "%s, iteration %d: the mask keeps less than %.0f %% of the rendered face",
                self.stage,
                iteration,
                100 * COLLAPSED,
            )


def _average(window: list[Entry]) -> Entry:
    names = sorted({name for terms in window for name in terms})
    means = {}
    for name in names:
        values = [terms[name] for terms in window if name in terms]
        means[name] = sum(values) / len(values)
    return means


def write_log(out: Path, log: list[dict[str, float]], name: str = "log.jsonl") -> None:
    """Write a training log as JSON lines."""
    # Sorted, because entries that went through a checkpoint are.
    lines = "".join(json.dumps(entry, sort_keys=True) + "\n" for entry in log)
    (out / name).write_text(lines, encoding="utf-8")
