"""What a run would do, and how long it would take: nothing is executed, nothing is written.

A step whose key is in the store is cached. For one that will run, the newest result that the
same step left under another key says what has changed since.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Any

from focsbench.errors import CacheError
from focsbench.runs.artefact import DESCRIPTION, Artefact, read_description
from focsbench.runs.outcome import Policy
from focsbench.runs.plan import Plan, Step
from focsbench.runs.store import Store

MOST = 3  # changed values or files that are named


class Fate(StrEnum):
    """What a run would do about a step."""

    CACHED = "cached"
    RUN = "run"
    FAIL = "fail"


@dataclass(frozen=True)
class Forecast:
    """What a run would do about one step.

    why: reasons, most telling first; seconds: wall time it would take, one thread (a parallel
    step: all workers); source: what the estimate rests on.
    """

    name: str
    fate: Fate
    why: tuple[str, ...] = ()
    seconds: float = 0.0
    source: str = ""


@dataclass(frozen=True)
class _Old:
    """The description of a result under some key."""

    facts: Mapping[str, Any]
    modified: float


def forecast(plan: Plan, store: Store, policy: Callable[[Step], Policy]) -> list[Forecast]:
    """Say for every step of a plan, in its order, what a run would do about it.

    Args:
        plan: steps and keys.
        store: may not exist yet.
        policy: decides per step whether the store is used.
    """
    history = _history(store)
    seconds = _Seconds(plan, history)
    made: set[str] = set()
    forecasts = []
    for step in plan.steps:
        one = _forecast(step, plan, store, policy(step), history.get(step.name, []), made)
        if one.fate is Fate.RUN:
            made.add(step.name)
            value, source = seconds.of(step)
            one = Forecast(one.name, one.fate, one.why, value, source)
        forecasts.append(one)
    return forecasts


def wall_seconds(plan: Plan, forecasts: Sequence[Forecast], workers: int) -> float:
    """Estimate the wall time of what will run: the executor's own order, with these estimates."""
    seconds = {one.name: one.seconds for one in forecasts if one.fate is Fate.RUN}
    waiting = [step for step in plan.steps if step.name in seconds]
    waiting.sort(key=lambda step: -plan.height[step.name])
    ended = {step.name for step in plan.steps if step.name not in seconds}
    running: list[tuple[float, str]] = []
    now = 0.0
    while waiting or running:
        for step in list(waiting):
            if not ended.issuperset(step.inputs):
                continue
            if step.parallel and running:
                break
            if len(running) < workers:
                waiting.remove(step)
                heapq.heappush(running, (now + seconds[step.name], step.name))
                if step.parallel:
                    break
        if not running:
            break
        now, name = heapq.heappop(running)
        ended.add(name)
    return now


def _forecast(
    step: Step,
    plan: Plan,
    store: Store,
    policy: Policy,
    old: Sequence[_Old],
    made: set[str],
) -> Forecast:
    key = plan.keys[step.name]
    artefact: Artefact | None = None
    damage = ""
    try:
        artefact = store.find(step.name, key)
    except CacheError as error:
        damage = str(error).removesuffix("; run again.")
    if artefact is not None and policy is not Policy.ALWAYS:
        if dict(artefact.place) == dict(step.place):
            return Forecast(step.name, Fate.CACHED)
        return Forecast(step.name, Fate.RUN, (_place(artefact.place, step.place),))
    if artefact is not None:
        return Forecast(step.name, Fate.RUN, ("the policy is always",))
    if policy is Policy.ONLY_CACHE or (policy is Policy.NEVER and damage):
        return Forecast(step.name, Fate.FAIL, (damage or "not in the run folder",))
    if damage:
        return Forecast(step.name, Fate.RUN, (f"damaged: {damage}",))
    others = [one for one in old if one.facts.get("key") != key]
    if not others:
        return Forecast(step.name, Fate.RUN, ("new",))
    return Forecast(step.name, Fate.RUN, tuple(_changes(step, plan, others[-1], store, made)))


def _changes(step: Step, plan: Plan, old: _Old, store: Store, made: set[str]) -> Iterator[str]:
    """Yield what is different from an older result of the same step."""
    facts = old.facts
    config = list(differences(facts.get("config", {}), dict(step.config)))
    if config:
        yield "config: " + _some(config)
    if facts.get("code_version") != step.code_version:
        yield "code: " + _some(changed_sources(store, facts.get("code_version"), step.sources))
    before = facts.get("inputs", {})
    inputs = [name for name in step.inputs if before.get(name) != plan.keys[name]]
    if inputs:
        yield "input: " + _some(inputs)
    gone = [name for name in before if name not in step.inputs]
    if gone:
        yield "no longer an input: " + _some(gone)
    if facts.get("function") != step.function:
        yield f"function: {facts.get('function')} → {step.function}"


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield ``field 1 → 2`` for every leaf in which two JSON values differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            inner = f"{path}.{name}" if path else str(name)
            yield from differences(before.get(name), after.get(name), inner)
    elif _plain(before) != _plain(after):
        yield f"{path} {_short(before)} → {_short(after)}"


def changed_sources(store: Store, version: str | None, now: Mapping[str, str]) -> list[str]:
    """Return the names of the files behind two versions of the code that differ."""
    before = store.sources(str(version))
    names = [n for n in dict.fromkeys([*before, *now]) if before.get(n) != now.get(n)]
    return names if before and now and names else ["changed"]


class _Seconds:
    """Estimates: what the same step took before, else what like steps took, else the weight."""

    def __init__(self, plan: Plan, history: Mapping[str, Sequence[_Old]]) -> None:
        self._history = history
        weights = {step.name: step.weight for step in plan.steps}
        functions: dict[str, list[float]] = {}
        ratios = []
        for name, old in history.items():
            took = float(old[-1].facts.get("seconds", 0.0))
            weight = weights.get(name)
            if weight is None:
                continue
            functions.setdefault(str(old[-1].facts.get("function")), []).append(took / weight)
            ratios.append(took / weight)
        self._by_function = {name: median(values) for name, values in functions.items()}
        self._general = median(ratios) if ratios else 1.0

    def of(self, step: Step) -> tuple[float, str]:
        """Return seconds, and what they rest on."""
        own = self._history.get(step.name)
        if own:
            return float(own[-1].facts.get("seconds", 0.0)), "the same step before"
        if step.function in self._by_function:
            return step.weight * self._by_function[step.function], "like steps"
        return step.weight * self._general, "weight"


def _history(store: Store) -> dict[str, list[_Old]]:
    """Return the descriptions of all results in a store by step name, the oldest first."""
    found: dict[str, list[_Old]] = {}
    for folder in store.folders():
        facts = read_description(folder)
        if "name" in facts and "key" in facts:
            old = _Old(facts, _modified(folder / DESCRIPTION))
            found.setdefault(str(facts["name"]), []).append(old)
    for many in found.values():
        many.sort(key=lambda old: old.modified)
    return found


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _place(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return "lies elsewhere: " + _some(list(differences(before, after)))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:18] + "…" + text[-18:]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
