"""From a profile to results and reports: plan, execute, publish; for one seed or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from focsbench.profiles.profile import Profile
from focsbench.runs.attempts import RETRIES
from focsbench.runs.backends import Backend, ProcessPool
from focsbench.runs.environment import describe_environment
from focsbench.runs.executor import Executor
from focsbench.runs.forecast import Forecast, forecast
from focsbench.runs.logs import logging_to
from focsbench.runs.outcome import Listener, Outcome, Policy, Silent
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import Plan, Step
from focsbench.runs.provenance import write_failures, write_provenance
from focsbench.runs.run_folder import AGGREGATE, REPORT, RunFolder
from focsbench.runs.seeds import write_over_seeds

Targets = Callable[[Plan], Iterable[str]]
"""Chooses steps of a plan by name."""


def _silent(_plan: Plan, _run: RunFolder) -> AbstractContextManager[Listener]:
    return nullcontext(Silent())


def _everything(plan: Plan) -> Iterable[str]:
    return plan.keys


@dataclass(frozen=True)
class RunOptions:
    """How a plan is executed; nothing here changes results.

    listener: makes what shows the progress of a plan in a run folder.
    policies: pattern of step names and policy; the last one that fits a step decides.
    backend: makes what runs the steps, from the number of workers and the log file.
    retries, shuffle: see :class:`.executor.Executor`.
    """

    workers: int = 1
    verify: bool = False
    policies: Sequence[tuple[str, Policy]] = ()
    backend: Callable[[int, Path], Backend] = ProcessPool
    retries: int = RETRIES
    shuffle: int | None = None
    listener: Callable[[Plan, RunFolder], AbstractContextManager[Listener]] = _silent

    def policy(self, step: Step) -> Policy:
        """Return what is done about the stored result of a step."""
        fitting = [policy for pattern, policy in self.policies if fnmatchcase(step.name, pattern)]
        return fitting[-1] if fitting else Policy.ONLY_MISSING


@dataclass(frozen=True)
class FinishedRun:
    """What was done for one seed.

    whole: whether all steps of the plan were asked for, not chosen ones.
    targets: names of the steps that were asked for.
    """

    seed: int
    folder: RunFolder
    outcome: Outcome
    whole: bool
    targets: tuple[str, ...]


@dataclass(frozen=True)
class _Planned:
    """The plan of one seed."""

    profile: Profile
    plan: Plan
    targets: tuple[str, ...]
    whole: bool


def run_profile(
    profile: Profile, folder: Path, options: RunOptions, targets: Targets = _everything
) -> list[FinishedRun]:
    """Do what a run does not have yet, and publish its results and reports.

    Args:
        profile: with ``seeds`` above 1, one run per seed in a folder of its own, then the
            results over all of them.
        folder: of the run.
        options: how to execute.
        targets: the steps that are wanted, by default all; they and what they need are executed.

    Returns:
        One entry per seed.

    Raises:
        FocsbenchError: if the run cannot start; what fails later is in the outcomes.
    """
    run = RunFolder(folder)
    planned = _planned(profile, targets)
    run.open()
    if planned[0].whole or not run.config.exists():
        _describe(run, profile, options)
    finished = _execute_all(run, planned, options, options.policy)
    if len(planned) > 1 and planned[0].whole:
        with run.publishing():
            _publish_over_seeds(run, profile, planned, finished)
    return finished


def plans(profile: Profile) -> list[Plan]:
    """Return the whole plan of each seed of a profile.

    Raises:
        FocsbenchError: if there is no such plan.
    """
    return [one.plan for one in _planned(profile, _everything)]


def forecast_profile(
    profile: Profile, folder: Path, options: RunOptions
) -> list[tuple[Profile, Plan, list[Forecast]]]:
    """Say what :func:`run_profile` would do, per seed; write nothing and run nothing.

    Raises:
        FocsbenchError: if the run could not start.
    """
    run = RunFolder(folder)
    return [
        (one.profile, one.plan, forecast(one.plan, run.store, options.policy))
        for one in _planned(profile, _everything)
    ]


def rewrite_reports(
    profile: Profile, folder: Path, options: RunOptions, only: Sequence[str] = ()
) -> list[FinishedRun]:
    """Write the reports of a run again from its results; nothing else is computed.

    Args:
        profile: of the run.
        folder: of the run.
        options: how to execute.
        only: names of the reports to write, also ones that the profile does not have; without
            any, those of the profile.

    Raises:
        FocsbenchError: if the folder is not a run or cannot be used, or a name is unknown.
    """
    run = RunFolder(folder)
    if only:
        profile = profile.with_changes(reports=list(dict.fromkeys(only)))
    planned = _planned(profile, _reports if only else _everything)
    run.open()
    finished = _execute_all(run, planned, options, _reports_only)
    if len(planned) > 1:
        with run.publishing():
            _publish_over_seeds(run, profile, planned, finished)
    return finished


def _planned(profile: Profile, targets: Targets) -> list[_Planned]:
    profiles = [profile]
    if profile.seeds > 1:
        profiles = [profile.of_seed(number) for number in range(profile.seeds)]
    planned = []
    for one in profiles:
        plan = build_plan(one)
        chosen = tuple(targets(plan))
        part = plan.restricted_to(chosen)
        planned.append(_Planned(one, part, chosen, whole=len(chosen) == len(plan.steps)))
    return planned


def _reports(plan: Plan) -> Iterable[str]:
    return [name for name in plan.keys if name.startswith(REPORT)]


def _reports_only(step: Step) -> Policy:
    return Policy.ALWAYS if step.name.startswith(REPORT) else Policy.ONLY_CACHE


def _describe(run: RunFolder, profile: Profile, options: RunOptions) -> None:
    environment = describe_environment(profile.seed, options.workers)
    run.write_config(profile.resolved().model_dump(mode="json"), environment)


def _execute_all(
    run: RunFolder,
    planned: Sequence[_Planned],
    options: RunOptions,
    policy: Callable[[Step], Policy],
) -> list[FinishedRun]:
    """Execute the plan of each seed; several seeds have a folder each and share one store."""
    finished = []
    for one in planned:
        folder = run
        if len(planned) > 1:
            folder = run.of_seed(one.profile.seed)
            if one.whole or not folder.config.exists():
                _describe(folder, one.profile, options)
        with logging_to(folder.log):
            outcome = _execute(folder, one.plan, options, policy)
        with run.publishing():
            _publish(folder, outcome, whole=one.whole)
            write_failures(folder, outcome)
            if one.whole:
                write_provenance(folder, one.plan, outcome)
        finished.append(FinishedRun(one.profile.seed, folder, outcome, one.whole, one.targets))
    _discard_checkpoints(run)
    return finished


def _discard_checkpoints(run: RunFolder) -> None:
    """Stages leave their checkpoints until their results are in place; now they are."""
    folder = run.root / "checkpoints"
    if folder.is_dir() and any(folder.iterdir()):
        from focsbench.focs.checkpoints import discard_finished  # loads torch

        discard_finished(folder)


def _execute(
    run: RunFolder, plan: Plan, options: RunOptions, policy: Callable[[Step], Policy]
) -> Outcome:
    with options.listener(plan, run) as listener:
        executor = Executor(
            store=run.store,
            workers=options.workers,
            listener=listener,
            policy=policy,
            verify=options.verify,
            log_file=run.log,
            backend=lambda: options.backend(options.workers, run.log),
            retries=options.retries,
            shuffle=options.shuffle,
        )
        return executor.run(plan)


def _publish(run: RunFolder, outcome: Outcome, *, whole: bool) -> None:
    """Copy results and reports to where people look for them."""
    wanted: set[Path] = set()
    complete = whole
    for step in outcome.steps:
        place = run.published(step.name)
        if place is None:
            continue
        if step.artefact is None:
            complete = False
        else:
            wanted.update(run.publish(step.artefact, place))
    if complete:
        run.delete_old(wanted)


def _publish_over_seeds(
    run: RunFolder, profile: Profile, planned: Sequence[_Planned], finished: Sequence[FinishedRun]
) -> None:
    """Write the results of all seeds together, and tables over them."""
    members = {
        one.seed: one.folder for one in finished if one.outcome.artefact(AGGREGATE) is not None
    }
    if not members:
        return
    labels = [step.config.get("labels") for step in planned[0].plan.steps]
    wanted = write_over_seeds(run, profile, members, dict(next(filter(None, labels), [])))
    if len(members) == len(finished):
        run.delete_old(set(wanted))
