"""Checks of what a method says about itself, and of whether it can be built and answers."""

from __future__ import annotations

from focsbench import registry
from focsbench.errors import ConfigError, FocsbenchError
from focsbench.focs.stages import STAGES
from focsbench.mock_run.check import Check, Fault, Unavailable, described
from focsbench.mock_run.subject import MethodTrial
from focsbench.runs.sources import SourceTree
from focsbench.types import Reconstruction


def name_declared(trial: MethodTrial) -> None:
    name = getattr(trial.plugin, "name", None)
    if name != trial.name:
        raise Fault(
            f"{trial.target}.name is {name!r}; make it {trial.name!r}, the name of its entry point."
        )
    if not registry.NAME.fullmatch(trial.name):
        raise Fault(
            f"{trial.name!r} cannot be part of the names of steps and files; use "
            f"{registry.NAMES_HAVE}."
        )


def label_declared(trial: MethodTrial) -> None:
    label = getattr(trial.plugin, "label", None)
    if not isinstance(label, str) or not label.strip() or not label.isprintable():
        raise Fault(f"{trial.target}.label is {label!r}; give a short name for the tables.")


def stages_declared(trial: MethodTrial) -> None:
    stages = getattr(trial.plugin, "stages", None)
    if not isinstance(stages, tuple) or not all(isinstance(stage, str) for stage in stages):
        raise Fault(f"{trial.target}.stages is {stages!r}; give a tuple of names, () for none.")
    unknown = [stage for stage in stages if stage not in STAGES]
    if unknown:
        raise Fault(f"no training stage is called {unknown[0]!r}; known are {', '.join(STAGES)}.")


def declared_as_literals(trial: MethodTrial) -> None:
    for name in ("name", "label", "stages"):
        try:
            value = SourceTree().class_constant(trial.target, name)
        except LookupError:
            raise Fault(
                f"{name} is no literal in the body of the class; write it there, so that a plan "
                "is made without importing the method."
            ) from None
        if value != getattr(trial.plugin, name):
            raise Fault(f"{name} changes when the module is imported; keep it constant.")


def can_be_built(trial: MethodTrial) -> None:
    try:
        trial.build_parts()
    except ConfigError as error:
        raise Unavailable(f"it needs what is not here: {error}") from error
    except FocsbenchError as error:
        raise Fault(f"it refuses to be built: {error}") from error


def answers_all(trial: MethodTrial) -> None:
    try:
        trial.ask_all()
    except FocsbenchError as error:
        raise Fault(f"it refuses ordinary photographs: {error}") from error
    for part in trial.parts:
        if not isinstance(part.answers, list) or len(part.answers) != len(part.samples):
            count = len(part.answers) if isinstance(part.answers, list) else "no list of"
            raise Fault(f"{count} answers for {len(part.samples)} photographs; give one for each.")
        for answer in part.answers:
            if not isinstance(answer, Reconstruction):
                raise Fault(f"an answer is a {type(answer).__name__}; give Reconstruction.")
    trial.answers = {sample.key: answer for _, sample, answer in trial.pairs()}


def no_photographs(trial: MethodTrial) -> None:
    for part in trial.parts:
        try:
            answers = trial.ask(part, [])
        except Exception as error:
            raise Fault(
                f"an empty list raises {described(error)}; answer it with an empty list."
            ) from error
        if answers != []:
            raise Fault(f"an empty list is answered with {answers!r}; answer with an empty list.")


CHECKS: tuple[Check[MethodTrial], ...] = (
    Check("name_declared", "The class has the name of its entry point.", name_declared),
    Check("label_declared", "The class has a label for the tables.", label_declared),
    Check("stages_declared", "The class names training stages that exist.", stages_declared),
    Check(
        "declared_as_literals",
        "Name, label and stages can be read without importing the class.",
        declared_as_literals,
        ("name_declared", "label_declared", "stages_declared"),
    ),
    Check(
        "can_be_built",
        "The class can be built from a context.",
        can_be_built,
        ("stages_declared",),
    ),
    Check(
        "answers_all",
        "Every photograph gets one answer, in order.",
        answers_all,
        ("can_be_built",),
    ),
)
EMPTY: Check[MethodTrial] = Check(
    "no_photographs", "No photographs give no answers.", no_photographs, ("answers_all",)
)
