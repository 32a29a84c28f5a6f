"""A process that reads hostile files under limits and says how each reading ended.

Called as ``python victim.py FOLDER NAME...`` with the folder that holds ``NAME/<file>``; prints
one JSON line per attack. Memory is limited by the address space, time by the processor.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from attacks import ATTACKS
from attacks.harmless import HARMLESS
from attacks.readers import READERS

MEMORY = 512 << 20  # bytes beside what the process has after reading harmless files
SECONDS = 5  # of the processor
BLOCKED = 60  # seconds by the clock: something waits for a pipe


class TooSlow(BaseException):
    """The limit of time has passed; no reader may catch it."""


def stop(*_: object) -> None:
    raise TooSlow


def resident() -> int:
    """Most bytes that the process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def warm_up(folder: Path, reader: str) -> None:
    """Import and compile all that a reader needs, without a limit, by reading harmless files.

    Compiling kernels for the first time takes longer than any attack may, and a limit that strikes
    there is lost: numba's callbacks swallow the exception.
    """
    for case in HARMLESS:
        if case.reader == reader:
            path = folder / "harmless" / case.name / case.file
            path.parent.mkdir(parents=True)
            case.make(path)
            READERS[reader](path)


def attempt(path: Path, reader: str) -> dict[str, object]:
    before, start = resident(), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(BLOCKED)
    try:
        found = READERS[reader](path)
        kind, text = "none", f"it was accepted: {str(found)[:80]}"
    except BaseException as error:  # noqa: BLE001 - it is reported, and judged by the test
        kind, text = type(error).__name__, str(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
    return {
        "kind": kind,
        "text": text,
        "seconds": time.process_time() - start,
        "bytes": resident() - before,
    }


def main(folder: Path, names: list[str]) -> None:
    signal.signal(signal.SIGPROF, stop)
    signal.signal(signal.SIGALRM, stop)
    for reader in sorted({ATTACKS[name].reader for name in names}):
        warm_up(folder, reader)
    limit = address_space() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for name in names:
        attack = ATTACKS[name]
        found = attempt(folder / name / attack.file, attack.reader)
        print(json.dumps({"name": name, **found}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
