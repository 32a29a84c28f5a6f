"""Which steps of a plan a command asks for, by the names that users know.

The commands ``train``, ``predict`` and ``score`` execute these steps and what they need. They are
steps of the plan of ``run-all``, with the same content keys: what one command did, no other does
again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from focsbench import registry
from focsbench.errors import ConfigError
from focsbench.focs.stages import STAGES
from focsbench.profiles.profile import Profile
from focsbench.registry import Kind
from focsbench.runs.plan import Plan, Step
from focsbench.runs.run_folder import AGGREGATE

PREDICT = "predict"
SCORE = "score"


def with_methods(profile: Profile, names: Sequence[str]) -> Profile:
    """Return the profile with those named baselines added that it lacks.

    Other names are left to the plan, which also has training stages.
    """
    known = registry.names(Kind.BASELINE)
    added = [n for n in dict.fromkeys(names) if n in known and n not in profile.methods]
    return profile.with_changes(methods=[*profile.methods, *added]) if added else profile


def training(plan: Plan, names: Sequence[str]) -> list[str]:
    """Return the training stages of methods or with these names; all of the plan without names.

    Raises:
        ConfigError: if a name is neither a method nor a stage of the plan, or nothing of what is
            named is trained.
    """
    stages = [step.name for step in plan.steps if step.name in STAGES]
    by_method = {
        _method(step): [name for name in step.inputs if name in STAGES]
        for step in _steps(plan, PREDICT)
    }
    wanted: list[str] = []
    for name in names or stages:
        if name in by_method:
            wanted += by_method[name]
        elif name in stages:
            wanted.append(name)
        else:
            raise registry.unknown("method or training stage", name, {*by_method, *stages})
    if not wanted:
        raise ConfigError(f"{', '.join(names) or 'this run'}: nothing to train; it needs no stage.")
    return list(dict.fromkeys(wanted))


def predictions(plan: Plan, methods: Sequence[str], datasets: Sequence[str]) -> list[str]:
    """Return the steps that write predictions, of all methods or datasets where none is named.

    Raises:
        ConfigError: if a method or dataset is not in the plan.
    """
    return _chosen(plan, PREDICT, methods, ("dataset", datasets))


def scores(plan: Plan, methods: Sequence[str], protocols: Sequence[str]) -> list[str]:
    """Return the steps that score; without any name the one that gathers all scores.

    Raises:
        ConfigError: if a method or protocol is not in the plan.
    """
    if not methods and not protocols:
        return [AGGREGATE]
    return _chosen(plan, SCORE, methods, ("protocol", protocols))


def _chosen(
    plan: Plan, kind: str, methods: Sequence[str], other: tuple[str, Sequence[str]]
) -> list[str]:
    noun, others = other
    steps = _steps(plan, kind)
    _check("method", methods, {_method(step) for step in steps})
    _check(noun, others, {_other(step) for step in steps})
    return [
        step.name
        for step in steps
        if (not methods or _method(step) in methods) and (not others or _other(step) in others)
    ]


def _check(noun: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise registry.unknown(f"{noun} of this run", name, known)


def _steps(plan: Plan, kind: str) -> list[Step]:
    return [step for step in plan.steps if step.name.startswith(f"{kind}:")]


def _method(step: Step) -> str:
    return step.name.split(":")[1]


def _other(step: Step) -> str:
    """The dataset of a prediction, the protocol of a score."""
    return step.name.split(":")[2]
