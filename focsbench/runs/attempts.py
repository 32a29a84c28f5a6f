"""How often each step of a run was tried, and whether it is tried again."""

from __future__ import annotations

import logging
import time
from collections import Counter
from concurrent.futures import BrokenExecutor

from focsbench.processes import reason_of
from focsbench.storage import may_pass

RETRIES = 2
PAUSE = 1.0  # seconds before the second attempt, twice as long before the third

log = logging.getLogger(__name__)


class Attempts:
    """Counts the attempts at the steps of one run.

    retries: further attempts at a step whose process was killed, or that met an error of the
        system that may pass.
    """

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._begun: Counter[str] = Counter()
        self._troubles: dict[str, str] = {}
        self._not_before: dict[str, float] = {}

    def begin(self, step: str) -> None:
        """Count an attempt that starts now."""
        self._begun[step] += 1

    def begun(self, step: str) -> int:
        """Return how many attempts at a step there were, the present one included."""
        return self._begun[step]

    def has_to_wait(self, step: str) -> bool:
        """Return whether the moment for the next attempt has not come yet."""
        return time.monotonic() < self._not_before.get(step, 0.0)

    def again(self, step: str, error: BaseException) -> str:
        """Return the trouble if the step is to be tried again, else an empty text."""
        begun = self._begun[step]
        passing = isinstance(error, BrokenExecutor) or may_pass(error)
        if not passing or begun > self._retries:
            return ""
        reason = reason_of(error)
        log.warning("%s: attempt %d failed: %s", step, begun, reason)
        self._troubles[step] = reason
        self._not_before[step] = time.monotonic() + PAUSE * 2 ** (begun - 1)
        return reason

    def notice(self, step: str) -> str:
        """Say that a step needed several attempts, and why; an empty text if one was enough."""
        trouble = self._troubles.get(step)
        return f"{self._begun[step]} attempts: {trouble}" if trouble else ""
