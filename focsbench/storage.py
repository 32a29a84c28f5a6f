"""Which errors say that a disk is full or a folder read-only, and which ones may pass by."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from focsbench.errors import FocsbenchError, StorageError

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")

PAUSES = (0.1, 0.5)  # seconds before the second and the third attempt
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
# What network file systems and busy machines answer now and then to a right request.
_PASSING = frozenset(
    {
        errno.EIO,
        errno.EAGAIN,
        errno.EINTR,
        errno.EBUSY,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENOLCK,
        errno.EREMOTEIO,
    }
)


def storage_error(error: BaseException, folder: Path) -> StorageError | None:
    """Return the error in a sentence if it means that nothing can be written, else None.

    Args:
        error: what was raised. Libraries that wrap the system's answer keep its text.
        folder: where was to be written. The file in it that the error names is named, else the
            folder; an access that is refused outside of it is another matter.
    """
    if isinstance(error, StorageError):
        return error
    full = [os.strerror(number) for number in _FULL]
    for one in _chain(error):
        number = one.errno if isinstance(one, OSError) else None
        place = _inside(one, folder)
        if number in _FULL or (number is None and any(text in str(one) for text in full)):
            return StorageError(
                f"{place or folder}: cannot be written, because the disk is full ({_text(one)}); "
                "free some space and give the same command again; runs go on where they stopped."
            )
        if number in _FORBIDDEN and place is not None:
            return StorageError(
                f"{place}: cannot be written ({_text(one)}); change the permissions of its folder, "
                "or choose another one, and give the same command again."
            )
    return None


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Say in one sentence that nothing can be written, if that ends the block.

    Raises:
        StorageError: see :func:`storage_error`; other errors stay what they are.
    """
    try:
        yield
    except OSError as error:
        full = storage_error(error, folder)
        if full is None:
            raise
        raise full from error


def may_pass(error: BaseException) -> bool:
    """Return whether the same request may well succeed a moment later.

    A reader that says in its own words what the system answered still counts.
    """
    return any(isinstance(one, OSError) and one.errno in _PASSING for one in _chain(error))


def patiently(function: Callable[[ArgumentT], ResultT], argument: ArgumentT) -> ResultT:
    """Call a function, up to three times if it meets errors that may pass."""
    for pause in PAUSES:
        try:
            return function(argument)
        except (OSError, FocsbenchError) as error:
            if not may_pass(error):
                raise
            time.sleep(pause)
    return function(argument)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _inside(error: BaseException, folder: Path) -> Path | None:
    """Return the file that an error names if it lies in a folder."""
    name = error.filename if isinstance(error, OSError) else None
    if not isinstance(name, (str, os.PathLike)):
        return None
    path = Path(os.fspath(name))
    return path if path.absolute().is_relative_to(folder.absolute()) else None


def _text(error: BaseException) -> str:
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or next((t for t in map(os.strerror, _FULL) if t in str(error)), "I/O error")
