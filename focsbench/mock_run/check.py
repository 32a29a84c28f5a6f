"""What a check is, and how a list of them is carried out."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

SubjectT_contra = TypeVar("SubjectT_contra", contravariant=True)
SubjectT = TypeVar("SubjectT")


class Fault(Exception):  # noqa: N818 - it is the method that errs, not the program
    """What a check found: one sentence that says what is wrong and what to do."""


class NotApplicable(Exception):  # noqa: N818 - the check does not concern this method
    """Why a check has nothing to look at."""


class Unavailable(NotApplicable):
    """What is missing here, so that neither this check nor those after it can be carried out."""


class Verdict(StrEnum):
    """What a check ends with."""

    PASS = "pass"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check(Generic[SubjectT_contra]):
    """One thing that has to hold.

    name: identifier, lower case with underscores.
    sentence: what holds where the check passes.
    look: raises `Fault` or `NotApplicable`; any other exception is a fault too.
    after: names of checks that must not have failed; else this one is skipped.
    """

    name: str
    sentence: str
    look: Callable[[SubjectT_contra], None]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The verdict of one check, and its reason unless it passed.

    cause: the check because of which this one was skipped.
    """

    name: str
    verdict: Verdict
    reason: str = ""
    cause: str = ""


def carry_out(checks: Sequence[Check[SubjectT]], subject: SubjectT) -> Iterator[Outcome]:
    """Yield the outcome of every check in order; a failed check stops no other."""
    done: dict[str, Outcome] = {}
    for check in checks:
        done[check.name] = _outcome(check, subject, done)
        yield done[check.name]


def _outcome(check: Check[SubjectT], subject: SubjectT, done: Mapping[str, Outcome]) -> Outcome:
    for before in (done[name] for name in check.after):
        cause = before.name if before.verdict is Verdict.FAIL else before.cause
        if cause:
            word = "failed" if done[cause].verdict is Verdict.FAIL else "was skipped"
            return Outcome(check.name, Verdict.SKIPPED, f"{cause} {word}", cause)
    try:
        check.look(subject)
    except Unavailable as reason:
        return Outcome(check.name, Verdict.SKIPPED, str(reason), check.name)
    except NotApplicable as reason:
        return Outcome(check.name, Verdict.SKIPPED, str(reason))
    except Fault as fault:
        return Outcome(check.name, Verdict.FAIL, str(fault))
    except Exception as error:  # noqa: BLE001 - code of others may fail in any way
        return Outcome(check.name, Verdict.FAIL, described(error))
    return Outcome(check.name, Verdict.PASS)


def described(error: Exception) -> str:
    """Return kind, text and place of an exception that nobody foresaw, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}{where}"
