"""A process that gives mutated files to readers under limits; prints JSON, a line at a time.

``python worker.py FOLDER --seconds S --seed N TARGET...`` fuzzes each target (a reader of the
attack collection) in turn, for so many seconds of the processor each; ``--executions N`` bounds
their number instead, ``--replay`` reads what was ever found first. A line is the state of a target
so far, or a finding. The file that is being read is on disk, and ``FOLDER/TARGET/current`` names
its case: that is how a crash of the whole process is explained.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from attacks.case import Case
from attacks.harmless import HARMLESS
from attacks.readers import READERS
from attacks.victim import MEMORY, SECONDS, TooSlow, address_space, resident, stop

from focsbench.errors import FocsbenchError
from fuzz.reached import Reached
from fuzz.structures import mutate
from fuzz.watch import Finding, Watch

FOUND = Path(__file__).parent / "found"
GRACE = 20  # seconds of the processor after which the process is killed: C code holds signals up
LONGEST_MESSAGE = 1000
KEPT = 3  # findings of the same kind at the same place
STATE_SECONDS = 2.0  # between two lines about a target
KEEP_CHANCE = 0.5  # of going on from an input that reached new lines, instead of a harmless file


@dataclass
class State:
    """What happened to a target so far; times in seconds, peak in bytes."""

    target: str
    executions: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    peak: int = 0
    lines: int = 0
    inputs: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Place:
    """A harmless file on disk that is overwritten by each input."""

    case: Case
    path: Path
    data: bytes
    names: frozenset[str]  # words of which an error has one


class Fuzzer:
    """Reads inputs of one target, and keeps those that reach new lines."""

    def __init__(self, folder: Path, target: str, watch: Watch) -> None:
        self.reader = READERS[target]
        self.state = State(target)
        self.reached = Reached()
        self.places = [_written(folder, case) for case in HARMLESS if case.reader == target]
        self.corpus = {place.case.name: [place.data] for place in self.places}
        self._watch = watch
        self._current = folder / "current"
        self._seen: Counter[str] = Counter()
        for place in self.places:
            self.reader(place.path)  # without limits: imports, compiles, and has to be accepted
        for place in self.places:
            with self.reached.watching():
                self.reader(place.path)
        self._before = resident()

    def step(self, rng: Random) -> tuple[Place, bytes, Finding | None]:
        """Read one more input."""
        place = rng.choice(self.places)
        known = self.corpus[place.case.name]
        parent = rng.choice(known) if rng.random() < KEEP_CHANCE else place.data
        data = mutate(parent, rng, known)
        lines = len(self.reached.seen)
        finding = self.read(place, data)
        if len(self.reached.seen) > lines and finding is None:
            known.append(data)
        return place, data, finding

    def read(self, place: Place, data: bytes) -> Finding | None:
        """Give an input to the reader; what was wrong, if anything."""
        place.path.unlink()  # a reader may still map the file before
        place.path.write_bytes(data)
        self._current.write_text(place.case.name)
        finding = self._attempt(place, traced=True)
        if finding is not None and finding.kind == "hang":
            finding = self._attempt(place, traced=False)  # watching takes time, too
        place.path.unlink()
        place.path.write_bytes(place.data)
        self.state.executions += 1
        self.state.peak = max(self.state.peak, resident() - self._before)
        if finding is not None:
            self.state.findings[finding.kind] += 1
        return finding

    def is_new(self, finding: Finding) -> bool:
        """Whether a finding is one of the first of its kind at its place."""
        key = f"{finding.kind} {finding.where}"
        self._seen[key] += 1
        return self._seen[key] <= KEPT

    def report(self, start: float, cpu: float) -> None:
        """Print the state."""
        self.state.lines = len(self.reached.seen)
        self.state.inputs = sum(map(len, self.corpus.values()))
        self.state.seconds = time.monotonic() - start
        self.state.cpu_seconds = time.process_time() - cpu
        print(json.dumps({"state": vars(self.state)}), flush=True)

    def _attempt(self, place: Place, *, traced: bool) -> Finding | None:
        limit_cpu()
        signal.setitimer(signal.ITIMER_PROF, SECONDS, 1)
        try:
            with self._watch.watching():
                if traced:
                    with self.reached.watching():
                        self.reader(place.path)
                else:
                    self.reader(place.path)
        except BaseException as error:  # noqa: BLE001 - judged below
            signal.setitimer(signal.ITIMER_PROF, 0)
            return self._watch.finding() or self._judged(place, error)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self.state.accepted += 1
        return self._watch.finding()

    def _judged(self, place: Place, error: BaseException) -> Finding | None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/focsbench/" in frame.filename] or list(frames)
        where = f"{Path(ours[-1].filename).name}:{ours[-1].name}:{type(error).__name__}"
        text = "".join(traceback.format_exception(error))
        if isinstance(error, TooSlow):
            return Finding("hang", where, text)
        if isinstance(error, FocsbenchError):
            self.state.refused[type(error).__name__] += 1
            message = str(error)
            if len(message) > LONGEST_MESSAGE or not any(n in message for n in place.names):
                return Finding("message", where, text)
            return None
        return Finding("memory" if isinstance(error, MemoryError) else "error", where, text)


def limit_cpu() -> None:
    """Let the process be killed when it is held up where no signal arrives."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + GRACE, hard))


def _written(folder: Path, case: Case) -> Place:
    path = folder / case.name / case.file
    path.parent.mkdir(parents=True)
    case.make(path)
    files = [file for file in (folder / case.name).rglob("*") if file.is_file()]
    names = {file.name.partition(".")[0] for file in files} | {case.name}
    return Place(case, path, path.read_bytes(), frozenset(names))


def print_finding(target: str, place: Place, data: bytes, finding: Finding, output: Path) -> None:
    """Save an input and say so."""
    name = hashlib.sha256(data).hexdigest()[:12]
    saved = output / place.case.name / name
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_bytes(data)
    saved.with_name(f"{name}.txt").write_text(f"{finding.kind} {finding.where}\n\n{finding.text}")
    print(
        json.dumps({"target": target, "file": str(saved), **finding._asdict()}, ensure_ascii=True),
        flush=True,
    )


def fuzz(fuzzer: Fuzzer, options: argparse.Namespace) -> None:
    """Read inputs until the time is up or there were enough."""
    # A string seeds by its bytes, so every run of a target is the same.
    rng = Random(f"{options.seed} {fuzzer.state.target}")
    start, cpu, said = time.monotonic(), time.process_time(), time.monotonic()
    while True:
        used = time.process_time() - cpu
        done = fuzzer.state.executions >= options.executions or used >= options.seconds
        if done or time.monotonic() - said > STATE_SECONDS:
            fuzzer.report(start, cpu)
            said = time.monotonic()
        if done:
            return
        place, data, finding = fuzzer.step(rng)
        if finding is not None and fuzzer.is_new(finding):
            print_finding(fuzzer.state.target, place, data, finding, options.output)


def replay(fuzzer: Fuzzer, options: argparse.Namespace) -> None:
    """Read what was found before."""
    start, cpu = time.monotonic(), time.process_time()
    for place in fuzzer.places:
        for file in sorted((FOUND / place.case.name).glob("*")):
            data = file.read_bytes()
            finding = fuzzer.read(place, data)
            if finding is not None:
                print_finding(fuzzer.state.target, place, data, finding, options.output)
    fuzzer.report(start, cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="an empty folder to work in")
    parser.add_argument("targets", nargs="+", choices=sorted(READERS))
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--executions", type=float, default=math.inf)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--output", type=Path, help="folder for findings; default: in FOLDER")
    parser.add_argument("--replay", action="store_true", help="read old findings first")
    options = parser.parse_args()
    options.output = (options.output or options.folder / "findings").resolve()
    folder = options.folder.resolve()
    os.chdir(folder)  # what an executed payload would write lands here
    signal.signal(signal.SIGPROF, stop)
    warnings.simplefilter("error")  # as in the tests: a warning is a value that nobody meant
    watch = Watch(folder)
    fuzzers = [Fuzzer(folder / target, target, watch) for target in _made(folder, options.targets)]
    limit = address_space() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for fuzzer in fuzzers:
        if options.replay:
            replay(fuzzer, options)
        fuzz(fuzzer, options)


def _made(folder: Path, targets: list[str]) -> list[str]:
    for target in targets:
        (folder / target).mkdir()
    return targets


if __name__ == "__main__":
    main()
