"""The plan of ``run-all``, built from a profile without importing any method.

face_model, data (:mod:`.data_plan`) -> training stages (:mod:`.training_plan`)
    -> predict:METHOD:DATASET -> prepare:PROTOCOL -> score:METHOD:PROTOCOL (:mod:`.score_plan`)
    -> aggregate -> report:NAME (:mod:`.report_plan`)
               training stages -> sweep:WEIGHT:VALUE -> sweep (:mod:`.sweep_plan`) -> aggregate

A step that joins the results of others does without those that failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from focsbench import registry
from focsbench.profiles.profile import Profile
from focsbench.registry import Kind
from focsbench.runs.data_plan import data_steps, face_model_step
from focsbench.runs.plan import Plan, Step
from focsbench.runs.report_plan import result_steps
from focsbench.runs.score_plan import prediction_steps, score_steps
from focsbench.runs.step_maker import StepMaker
from focsbench.runs.sweep_plan import PROTOCOL as SWEEP_PROTOCOL
from focsbench.runs.sweep_plan import sweep_steps
from focsbench.runs.training_plan import training_config, training_steps


def build_plan(profile: Profile) -> Plan:
    """Return the plan of a run.

    Raises:
        ConfigError: if a name in the profile, or a stage that a baseline needs, does not exist.
        InputError: if a dataset folder or the face model file that the profile names does not
            exist.
    """
    return Plan(_steps(StepMaker(profile)))


def _steps(make: StepMaker) -> Iterator[Step]:
    yield face_model_step(make)
    yield from data_steps(make)
    yield from training_steps(make)
    yield from prediction_steps(make)
    yield from score_steps(make)
    yield from _swept(make)
    yield from result_steps(make)


def _swept(make: StepMaker) -> Iterator[Step]:
    if make.profile.sweep is not None:
        dataset = make.declared(Kind.PROTOCOL, SWEEP_PROTOCOL, "dataset")
        yield from sweep_steps(
            make.profile.sweep,
            make.method,
            partial(training_config, make),
            make.images(dataset),
            registry.target(Kind.PROTOCOL, SWEEP_PROTOCOL),
            partial(make.step, needs=make.training_needs),
            make.card(SWEEP_PROTOCOL),
        )
