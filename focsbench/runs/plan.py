"""A plan: steps with declared inputs, in an order in which they can run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

NAME = re.compile(r"[a-z0-9][a-z0-9_.:-]*")
FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Resources:
    """What a step occupies while it runs.

    cpus: cores; gpus: devices; memory: GiB, 0 where nobody has measured it.
    """

    cpus: int = 1
    gpus: int = 0
    memory: float = 0.0


@dataclass(frozen=True)
class Step:
    """One unit of work whose result is a folder.

    name: identifier inside the plan, lower case, e.g. ``predict:focs:now``.
    function: ``package.module:function``, called as ``f(inputs, out, config, workers)`` with
        inputs (dict of folder by step name), out (an empty folder to write into),
        config (the dict below) and workers (processes or threads it may use).
    code_version: hash of the code that decides the result (:class:`.sources.SourceTree`).
    inputs: names of the steps whose folders the function reads.
    config: everything else that decides the result, as JSON values.
    parallel: the function spreads its own work over ``workers``; nothing runs beside it.
    optional: those of ``inputs`` that may fail: the step then runs without them, under another
        content key, and finds them absent from its inputs. It needs at least one of them.
    weight: rough cost beside other steps; it decides what starts first, never a result.
    needs: what it occupies while it runs. A ``parallel`` step takes what it is given.
    place: further config that says where things lie, not what they are. It is no part of the
        content key; a result that was made with another place is made again under the same key.
    known_as: other names under which the function finds inputs, by their names in the plan.
    sources: hash by name of the files behind ``code_version``, to say which of them changed.
    """

    name: str
    function: str
    code_version: str
    inputs: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    parallel: bool = False
    optional: frozenset[str] = frozenset()
    weight: float = 1.0
    needs: Resources = Resources()
    place: Mapping[str, Any] = field(default_factory=dict)
    known_as: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)

    def parts(self, input_keys: Mapping[str, str]) -> dict[str, Any]:
        """Return what the content key is made of, as JSON values."""
        names = {"known_as": dict(self.known_as)} if self.known_as else {}
        return {
            "function": self.function,
            "code_version": self.code_version,
            "config": dict(self.config),
            "inputs": {name: input_keys[name] for name in self.inputs},
            **names,
        }

    def can_do_without(self, absent: Collection[str]) -> bool:
        """Return whether the step can still run when these steps have no result."""
        missing = set(self.inputs).intersection(absent)
        return missing <= self.optional and (not missing or missing < self.optional)

    def without(self, absent: Collection[str]) -> Step:
        """Return the step that does not read these steps."""
        inputs = tuple(name for name in self.inputs if name not in absent)
        return replace(self, inputs=inputs, optional=self.optional.difference(absent))


class Plan:
    """Steps that depend on each other without a cycle.

    steps: in an order that respects the inputs; steps without order between them keep theirs.
    keys: content key by step name: SHA-256 of function, code, config and keys of the inputs.
    height: by step name, the weight of the heaviest chain that waits for it, its own included.
        Running the highest step first keeps all workers busy longest.

    Raises:
        ValueError: for a bad or repeated name, an unknown input, a cycle, a config that is not
            made of JSON values, or a weight that is not positive.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        given = tuple(steps)
        by_name = {step.name: step for step in given}
        _check(given, by_name)
        self.steps = tuple(_in_order(given, by_name))
        self.keys: dict[str, str] = {}
        for step in self.steps:
            self.keys[step.name] = content_key(step.parts(self.keys))
        waiting = dict.fromkeys(self.keys, 0.0)
        self.height: dict[str, float] = {}
        for step in reversed(self.steps):
            self.height[step.name] = waiting[step.name] + step.weight
            for name in step.inputs:
                waiting[name] = max(waiting[name], self.height[step.name])

    def __getitem__(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def restricted_to(self, names: Collection[str]) -> Plan:
        """Return the plan of these steps and all that they need; content keys stay the same.

        Raises:
            ValueError: if a name is no step of the plan.
        """
        unknown = [name for name in names if name not in self.keys]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no step of the plan")
        needed = set(names)
        for step in reversed(self.steps):
            if step.name in needed:
                needed.update(step.inputs)
        return Plan(step for step in self.steps if step.name in needed)


def content_key(parts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON values, independent of the order of mappings."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _in_order(steps: tuple[Step, ...], by_name: Mapping[str, Step]) -> Iterator[Step]:
    """Yield each step after its inputs, otherwise in the order given."""
    try:
        TopologicalSorter({step.name: step.inputs for step in steps}).prepare()
    except CycleError as error:
        raise ValueError(f"steps wait for each other: {' -> '.join(error.args[1])}") from None
    done: set[str] = set()

    def visit(step: Step) -> Iterator[Step]:
        if step.name not in done:
            done.add(step.name)
            for name in step.inputs:
                yield from visit(by_name[name])
            yield step

    for step in steps:
        yield from visit(step)


def _check(steps: tuple[Step, ...], by_name: Mapping[str, Step]) -> None:
    if len(by_name) < len(steps):
        raise ValueError("two steps of the plan have the same name")
    for step in steps:
        if not NAME.fullmatch(step.name):
            raise ValueError(f"step name {step.name!r} has characters other than a-z 0-9 _ . : -")
        if not FUNCTION.fullmatch(step.function):
            raise ValueError(f"step {step.name}: {step.function!r} is not package.module:function")
        for name in step.inputs:
            if name not in by_name:
                raise ValueError(f"step {step.name} reads {name!r}, which is no step of the plan")
        if not step.optional.issubset(step.inputs):
            raise ValueError(f"step {step.name}: an optional input is none of its inputs")
        if not step.weight > 0:
            raise ValueError(f"step {step.name}: weight {step.weight} is not above 0")
        try:
            content_key({"config": step.config, "place": step.place})
        except (TypeError, ValueError) as error:
            raise ValueError(f"step {step.name}: config is not JSON: {error}") from None
