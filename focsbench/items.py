"""One thing per item (image, batch, person): failures stay with their item, finished items last.

:func:`each` calls a function for every item of a task. What an item gave is noted in a journal
beside the files of the step, so that a step that was killed goes on with the first item that is
not there. An item that fails is an item with a reason and stops no other. Where the work happens,
in which order, and by how many processes, changes no byte of the answers.
"""

from __future__ import annotations

import io
import json
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focsbench.errors import FocsbenchError, InputError, StorageError
from focsbench.processes import reason_of, run_jobs
from focsbench.progress import counted
from focsbench.storage import patiently, storage_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from focsbench.journal import Journal

JOURNAL = ".items"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What one item gave.

    values: JSON values. arrays: numbers, kept to the last bit. files: what was written, below the
    folder of the step.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    files: Sequence[Path] = ()


@dataclass(frozen=True)
class Failure:
    """Why an item gave nothing; error: what was raised, if nobody foresaw it."""

    reason: str
    error: Exception | None = None


Work = Callable[[int], Answer]
Done = tuple[int, Answer | Failure]
Job = tuple[int, str]  # number and name of an item
One = Callable[[Job], Answer | Failure]
Spread = Callable[[One, Sequence[Job]], Iterator[Done]]


@dataclass(frozen=True)
class Surroundings:
    """How the items of the running step are done; nothing here changes an answer.

    journal: where finished items are noted. spread: does items in other processes; none: one after
    the other in this one. shuffle: seed of a random order, None for the order of the items.
    """

    journal: Journal | None = None
    spread: Spread | None = None
    shuffle: int | None = None


_surroundings: ContextVar[Surroundings | None] = ContextVar("surroundings", default=None)


@contextmanager
def surrounded_by(surroundings: Surroundings) -> Iterator[None]:
    """Do the items of :func:`each` in these surroundings while the block runs."""
    token = _surroundings.set(surroundings)
    try:
        yield
    finally:
        _surroundings.reset(token)


def each(
    task: str,
    names: Sequence[str],
    work: Work,
    spread: Spread | None = None,
    *,
    here: bool = False,
) -> list[Answer | Failure]:
    """Do all items of a task and return what each gave, in their order.

    Args:
        task: name of the task, unlike those of other tasks of the same step.
        names: a name per item, all different.
        work: called with the number of an item. Its answer may depend on nothing else. If it is
            sent to other processes it has to be picklable.
        spread: used where the surroundings have none.
        here: do all of them in this process in any case, because they share what is costly to
            make, such as a network.

    Raises:
        StorageError: if nothing can be written any more; the rest would fail alike.
        Exception: what nobody foresaw, if no item at all succeeded: the fault is not an item's.
    """
    around = _surroundings.get() or Surroundings()
    found = around.journal.read(task) if around.journal else {}
    answers: dict[int, Answer | Failure] = {
        number: found[name] for number, name in enumerate(names) if name in found
    }
    missing = [number for number in range(len(names)) if number not in answers]
    if around.shuffle is not None:
        random.Random(around.shuffle).shuffle(missing)
    one = partial(_do, task, work, around.journal)
    jobs = [(number, names[number]) for number in missing]
    ways = _one_by_one if here else around.spread or spread or _one_by_one
    failed = 0
    with counted(task, len(names), len(answers)) as count:
        for number, answer in ways(one, jobs) if jobs else ():
            answers[number] = answer
            failed += isinstance(answer, Failure)
            count(failed)
    ordered = [answers[number] for number in range(len(names))]
    _refuse_if_nothing_worked(ordered)
    return ordered


def local_processes(workers: int) -> Spread:
    """Return what does items in worker processes of this machine, also if it is only one."""

    def spread(one: One, jobs: Sequence[Job]) -> Iterator[Done]:
        for place, future in run_jobs(one, jobs, workers):
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                yield jobs[place][0], Failure(reason_of(error), error)
            else:
                yield jobs[place][0], future.result()

    return spread


def answered(answers: Sequence[Answer | Failure]) -> list[Answer]:
    """Return the answers of a task none of whose items may fail.

    Raises:
        Exception: what the first item that failed had raised, or InputError with its reason.
    """
    good = []
    for answer in answers:
        if isinstance(answer, Failure):
            raise answer.error or InputError(answer.reason)
        good.append(answer)
    return good


def _one_by_one(one: One, jobs: Sequence[Job]) -> Iterator[Done]:
    for job in jobs:
        yield job[0], one(job)


def _do(task: str, work: Work, journal: Journal | None, job: Job) -> Answer | Failure:
    """Do one item, note it, or say why it cannot be done."""
    number, name = job
    try:
        answer = patiently(work, number)
        # What was just made and what is read from a journal must be the same.
        answer = Answer(json.loads(json.dumps(answer.values)), answer.arrays, answer.files)
        if journal is not None:
            journal.note(task, name, answer)
    except Exception as error:  # one item may fail in any way, the others go on
        if isinstance(error, StorageError):
            raise
        full = storage_error(error, journal.root) if journal is not None else None
        if full is not None:
            raise full from error
        if isinstance(error, FocsbenchError):
            return Failure(reason_of(error))
        log.exception("%s: %s failed", task, name)
        return Failure(reason_of(error), error)
    return answer


def _refuse_if_nothing_worked(answers: Sequence[Answer | Failure]) -> None:
    errors = [answer.error for answer in answers if isinstance(answer, Failure)]
    first = next((error for error in errors if error is not None), None)
    if first is not None and len(errors) == len(answers):
        raise first


def array_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as an uncompressed archive without pickles."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **dict[str, Any](arrays))
    return buffer.getvalue()
