"""One run from a profile to reports: plan, execute, publish."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from focsbench.profiles.profile import Profile
from focsbench.runs.environment import describe_environment
from focsbench.runs.executor import Executor
from focsbench.runs.logs import logging_to
from focsbench.runs.outcome import Listener, Outcome, Policy, Silent
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import Plan, Step
from focsbench.runs.report import RESULTS, SUMMARY
from focsbench.runs.run_folder import RunFolder


def _silent(_plan: Plan) -> AbstractContextManager[Listener]:
    return nullcontext(Silent())


@dataclass(frozen=True)
class RunOptions:
    """How a plan is executed; nothing here changes results.

    listener: makes what shows the progress of a plan.
    """

    workers: int = 1
    verify: bool = False
    listener: Callable[[Plan], AbstractContextManager[Listener]] = _silent


def run_profile(profile: Profile, folder: Path, options: RunOptions) -> Outcome:
    """Do what a run does not have yet, and write its results and reports.

    Raises:
        FocsbenchError: if the run cannot start; what fails later is in the outcome.
    """
    run = RunFolder(folder)
    plan = build_plan(profile)
    with run.opened(), logging_to(run.log):
        environment = describe_environment(profile.seed, options.workers)
        run.write_config(profile.resolved().model_dump(mode="json"), environment)
        return _execute(run, plan, options, lambda _step: Policy.ONLY_MISSING)


def rewrite_reports(profile: Profile, folder: Path, options: RunOptions) -> Outcome:
    """Write the reports of a run again from its results; nothing else is computed.

    Raises:
        FocsbenchError: if the folder is not a run or cannot be used.
    """
    run = RunFolder(folder)
    plan = build_plan(profile)
    with run.opened(), logging_to(run.log):
        return _execute(run, plan, options, _reports_only)


def _reports_only(step: Step) -> Policy:
    return Policy.ALWAYS if step.name.startswith("report:") else Policy.ONLY_CACHE


def _execute(
    run: RunFolder, plan: Plan, options: RunOptions, policy: Callable[[Step], Policy]
) -> Outcome:
    with options.listener(plan) as listener:
        executor = Executor(
            store=run.store,
            workers=options.workers,
            listener=listener,
            policy=policy,
            verify=options.verify,
            log_file=run.log,
        )
        outcome = executor.run(plan)
    _publish(run, outcome)
    return outcome


def _publish(run: RunFolder, outcome: Outcome) -> None:
    """Copy results and reports to where people look for them.

    Older ones without a successor go, because beside new results they would be taken for new; but
    only if every result was made this time: a failed run must not delete what an earlier one made.
    """
    wanted: set[Path] = set()
    complete = True
    for step in outcome.steps:
        if step.artefact is None:
            complete = complete and step.name != "aggregate" and "report:" not in step.name
            continue
        if step.name.startswith("report:"):
            wanted.update(run.publish(step.artefact, run.reports))
        elif step.name == "aggregate":
            wanted.update(run.publish(step.artefact, run.root))
    for path in [*run.reports.rglob("*"), run.root / RESULTS, run.root / SUMMARY]:
        if complete and path.is_file() and path not in wanted:
            path.unlink()
