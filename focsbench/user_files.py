"""Reading the files of users: regular files of bounded size, one clear sentence where they are not.

A name can be a pipe that never ends, a device, a folder or a file of any size, so nothing is read
before that is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from focsbench.errors import InputError, brief

LARGEST_FILE = 128 << 20  # a scan with texture coordinates takes 25 MB
LARGEST_TEXT = 32 << 20  # of files that are read whole
LONGEST_PATH = 512  # characters of a path in a list
LONGEST_NAME = 200  # bytes between its slashes: 255 for file systems, less what predictions append
LONGEST_LINE = 1 << 20  # of lists; 136 landmarks take 2 kB


def require_file(path: Path, what: str, largest: int | None = None) -> None:
    """Refuse what cannot be read like a file.

    Args:
        path: of the file.
        what: what the file is to the user, for the sentence.
        largest: bytes above which it is refused.

    Raises:
        InputError: if it is missing, not a regular file, too large or out of reach.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path}: the {what} is missing; check the path, or make it.") from None
    except (OSError, ValueError) as error:  # a NUL in the name is a ValueError
        raise _unopened(path, what, error) from None
    if S_ISDIR(status.st_mode):
        raise InputError(f"{path}: the {what} cannot be opened (Is a directory); check it.")
    if not S_ISREG(status.st_mode):
        raise InputError(f"{path}: the {what} cannot be opened (a device or pipe); check it.")
    if largest is not None and status.st_size > largest:
        raise InputError(
            f"{path}: too large for {_article(what)} ({status.st_size} bytes, at most {largest}); "
            "check that it is the right file."
        )


def read_bytes(path: Path, what: str, largest: int = LARGEST_FILE) -> bytes:
    """Return the content of a file of the user's; arguments and errors as :func:`require_file`."""
    require_file(path, what, largest)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unopened(path, what, error) from None


def read_text(path: Path, what: str, largest: int = LARGEST_TEXT) -> str:
    """Return the content of a UTF-8 text of the user's, a byte order mark left out.

    Raises:
        InputError: as :func:`require_file`, and if it is no UTF-8.
    """
    try:
        return read_bytes(path, what, largest).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_text(path, what, error) from None


def read_json_object(path: Path, what: str) -> dict[str, Any]:
    """Return the object in a JSON file of the user's.

    Raises:
        InputError: as :func:`read_text`, and if it is no JSON or no object.
    """
    try:
        content = json.loads(read_text(path, what))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not readable as JSON ({brief(error)}); write it again."
        ) from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object in the {what}; write it again.")
    return content


def text_lines(path: Path, what: str) -> Iterator[str]:
    """Yield the lines of a UTF-8 list of the user's with their ends, of any number.

    Raises:
        InputError: as :func:`require_file`, and if it is no UTF-8 or a line is endless.
    """
    require_file(path, what)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            while line := file.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
                    raise InputError(
                        f"{path}: a line has more than {LONGEST_LINE} characters, so this is no "
                        f"{what}; check that it is the right file."
                    )
                yield line
    except UnicodeDecodeError as error:
        raise _no_text(path, what, error) from None
    except OSError as error:
        raise _unopened(path, what, error) from None


def is_plain_path(text: str) -> bool:
    """Say whether a path in a list is printable, has no backslash, and fits any file system."""
    if not text.isprintable() or "\\" in text or len(text) > LONGEST_PATH:
        return False
    return all(len(name.encode()) <= LONGEST_NAME for name in text.split("/"))


def _unopened(path: Path, what: str, error: OSError | ValueError) -> InputError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return InputError(f"{path}: the {what} cannot be opened ({reason}); check it.")


def _no_text(path: Path, what: str, error: UnicodeDecodeError) -> InputError:
    return InputError(f"{path}: not readable as {_article(what)} ({error}); save it as UTF-8 text.")


def _article(what: str) -> str:
    return f"{'an' if what[0] in 'aeio' else 'a'} {what}"
