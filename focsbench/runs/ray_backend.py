"""Runs steps on a Ray cluster whose machines share the run folder.

Ray finds the machine that has what a step declares; a step that no machine can ever hold is
refused at once, since Ray would let it wait for ever. The items of a step are shared out over the
cluster as well. What a lost machine was doing is done again, by Ray or by the executor.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focsbench.errors import ConfigError
from focsbench.items import Answer, Done, Failure, Job, One, Surroundings
from focsbench.processes import reason_of
from focsbench.runs.backends import missing_gpus
from focsbench.runs.logs import log_to
from focsbench.runs.plan import Resources, Step
from focsbench.runs.worker import Task, run_task
from focsbench.threads import KERNELS, LINEAR_ALGEBRA

GIB = 1 << 30
LOST = 3  # times that Ray itself starts a task again whose process or machine is gone
THREADS = dict.fromkeys((*LINEAR_ALGEBRA, KERNELS), "1")
SHARED = ("FOCSBENCH_CACHE", "FOCSBENCH_PROGRESS_LINES")  # variables that the workers need too


class MachineLostError(BrokenExecutor):
    """A process or machine of the cluster ended with a task."""


class RayBackend:
    """Sends tasks to a Ray cluster.

    address: ``host:port`` of the cluster, ``auto`` for the one of this machine, None to start one
    on this machine for the time of the run. workers: cores of that one, and the most that a
    parallel step gets.
    """

    alone = False

    def __init__(self, address: str | None, workers: int, log_file: Path | None = None) -> None:
        self._ray = _ray()
        self._workers = workers
        self._log_file = log_file.resolve() if log_file else None
        cores = {} if address else {"num_cpus": workers}
        given = {name: os.environ[name] for name in SHARED if name in os.environ}
        try:
            self._ray.init(
                address or "local",  # without it Ray joins any cluster that it finds here
                **cores,
                include_dashboard=False,
                log_to_driver=True,
                logging_level="error",
                runtime_env={"env_vars": {**THREADS, **given}},
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigError(
                f"--address {address}: no Ray cluster answers there ({_first_line(error)}); start "
                "one with `ray start --head`."
            ) from None

    def obstacle(self, step: Step) -> str:
        """See :class:`focsbench.runs.backends.Backend`."""
        needs = self._needs(step)
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if any(_holds(machine, needs) for machine in machines):
            return ""
        most = max((int(machine.get("GPU", 0)) for machine in machines), default=0)
        reason = missing_gpus(needs, most, "the best machine of the cluster")
        return reason or (
            f"it asks for {needs.cpus} cores and {needs.memory:g} GiB, and no machine of the "
            "cluster has as much; add one."
        )

    def has_room(self, step: Step) -> bool:
        """Ray has a queue of its own."""
        del step
        return True

    def submit(self, task: Task, step: Step) -> Future[None]:
        """Start a task where the cluster has room for it."""
        needs = self._needs(step)
        work = self._ray.remote(_run).options(
            name=task.name,
            num_cpus=needs.cpus,
            num_gpus=needs.gpus,
            memory=needs.memory * GIB or None,
            max_retries=LOST,
        )
        future: Future[None] = Future()
        reference = work.remote(task, self._log_file, not step.parallel)
        reference.future().add_done_callback(lambda answer: _hand_over(answer, future))
        return future

    def close(self) -> None:
        """Leave the cluster; its tasks of this run end."""
        self._ray.shutdown()

    def _needs(self, step: Step) -> Resources:
        if not step.parallel:
            return step.needs
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        largest = int(max((machine.get("CPU", 0) for machine in machines), default=1))
        cpus = max(1, min(self._workers, largest))
        return Resources(cpus, step.needs.gpus, step.needs.memory)


@dataclass(frozen=True)
class _Spread:
    """Shares the items of a step out over the cluster."""

    log_file: Path | None

    def __call__(self, one: One, jobs: Sequence[Job]) -> Iterator[Done]:
        ray = _ray()
        shared = ray.put(one)
        work = ray.remote(_do_item).options(num_cpus=1, max_retries=LOST)
        numbers = {work.remote(shared, job, self.log_file): job[0] for job in jobs}
        while numbers:
            ended, _ = ray.wait(list(numbers), num_returns=1)
            number = numbers.pop(ended[0])
            try:
                answer: Answer | Failure | Exception = ray.get(ended[0])
            except ray.exceptions.RayError as error:
                lost = MachineLostError(_first_line(error))
                answer = Failure(reason_of(lost), lost)
            if isinstance(answer, Exception):
                raise answer
            yield number, answer


def _run(task: Task, log_file: Path | None, spread: bool) -> Exception | None:
    """Run a step in a worker of the cluster; return what it raised, as it was."""
    if log_file is not None:
        _log_once(log_file)
    try:
        run_task(task, Surroundings(spread=_Spread(log_file) if spread else None))
    except Exception as error:  # noqa: BLE001 - Ray would wrap it into an error of its own
        return error
    return None


def _do_item(one: One, job: Job, log_file: Path | None) -> Answer | Failure | Exception:
    if log_file is not None:
        _log_once(log_file)
    try:
        return one(job)
    except Exception as error:  # noqa: BLE001 - as in :func:`_run`
        return error


_logging: set[Path] = set()


def _log_once(log_file: Path) -> None:
    if log_file not in _logging:
        _logging.add(log_file)
        log_to(log_file)


def _hand_over(answer: Future[Exception | None], future: Future[None]) -> None:
    error = answer.exception()
    if error is not None:
        future.set_exception(MachineLostError(_first_line(error)))
    elif (raised := answer.result()) is not None:
        future.set_exception(raised)
    else:
        future.set_result(None)


def _holds(machine: Mapping[str, float], needs: Resources) -> bool:
    return (
        machine.get("CPU", 0) >= needs.cpus
        and machine.get("GPU", 0) >= needs.gpus
        and machine.get("memory", 0) >= needs.memory * GIB
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ConfigError(
            '--executor ray: Ray is not installed; pip install "focsbench[ray]".'
        ) from None
    return ray
