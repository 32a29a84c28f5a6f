"""Races: ours against named peers on the same data, in turns, with the difference of the answers.

Every round lets each racer work once for a while, in alternating order, and gives one ratio of
times; the middle of the ratios of all rounds is what counts. What disturbs the machine disturbs
both sides of a round, so that ratios repeat where times do not.

A file ``bench_NAME.py`` beside this one that has a ``SECTION`` and ends with ``main(SECTION)`` is
part of ``docs/performance.md`` by itself.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.stats import trim_mean

Clock = Literal["wall", "cpu"]
CLOCKS: dict[Clock, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True)
class Racer:
    """One way to compute something; ``work`` gives the answer."""

    name: str
    work: Callable[[], Any]


@dataclass(frozen=True)
class Race:
    """One computation and those who do it.

    case: what is computed. difference: of our answer and one of a peer's. unit: of the difference.
    clock: cpu (of all threads of this process) where one thread works, else wall.
    """

    case: str
    ours: Racer
    peers: Sequence[Racer]
    difference: Callable[[Any, Any], float]
    unit: str
    clock: Clock = "cpu"


@dataclass(frozen=True)
class Effort:
    """How long a race may take.

    rounds: of every racer. least: seconds of one turn, which is repeated until it lasts so long.
    most: seconds of all rounds together; slow races have fewer rounds, but two at least.
    """

    rounds: int = 8
    least: float = 0.1
    most: float = 6.0


def middle(ratios: Sequence[float]) -> float:
    """Return the geometric mean of the middle third of some ratios.

    Like the median it does not see outliers. Where a machine has two states that last for minutes,
    ratios come in two heaps, and a median would jump from one to the other.
    """
    return float(np.exp(trim_mean(np.log(ratios), 0.34)))


@dataclass(frozen=True)
class Outcome:
    """What came of one race against one peer.

    ours_ms, peer_ms: time of one call in each round, ms. difference: of the answers.
    """

    case: str
    ours: str
    peer: str
    clock: Clock
    ours_ms: tuple[float, ...]
    peer_ms: tuple[float, ...]
    difference: float
    unit: str

    @property
    def ratios(self) -> list[float]:
        """How many times faster ours is, by round."""
        return [theirs / mine for mine, theirs in zip(self.ours_ms, self.peer_ms, strict=True)]

    @property
    def ratio(self) -> float:
        """How many times faster ours is, the middle of the rounds."""
        return middle(self.ratios)


@dataclass(frozen=True)
class Section:
    """Part of the page. races: for a number of threads. packages: whose versions are printed."""

    title: str
    text: str
    races: Callable[[int], Iterator[Race]]
    packages: tuple[str, ...] = ()


SLOW = 1.0  # seconds of a first call that says well enough how long the others will take
LEFT_OUT: dict[str, str] = {}  # peers that are not here, and why


@cache
def importable(package: str) -> bool:
    """Say whether a peer is here and loads; some need system libraries beside their wheel."""
    try:
        import_module(package)
    except ImportError as error:
        LEFT_OUT[package] = str(error)
        print(f"left out: {package} ({error})", file=sys.stderr)
        return False
    return True


def run_race(race: Race, effort: Effort) -> list[Outcome]:
    """Run one race; the first call of each racer compiles and gives the answer."""
    clock = CLOCKS[race.clock]
    racers = [race.ours, *race.peers]
    answers, single = zip(*(_first(racer.work, clock) for racer in racers), strict=True)
    calls = [max(1, round(effort.least / max(seconds, 1e-9))) for seconds in single]
    lasting = sum(count * seconds for count, seconds in zip(calls, single, strict=True))
    rounds = max(2, min(effort.rounds, int(effort.most / lasting)))
    times: list[list[float]] = [[] for _ in racers]
    for number in range(rounds):
        order = range(len(racers)) if number % 2 == 0 else reversed(range(len(racers)))
        for place in order:
            times[place].append(1e3 * _turn(racers[place].work, calls[place], clock))
    return [
        Outcome(
            race.case,
            race.ours.name,
            peer.name,
            race.clock,
            tuple(times[0]),
            tuple(times[place]),
            float(race.difference(answers[0], answers[place])),
            race.unit,
        )
        for place, peer in enumerate(race.peers, start=1)
    ]


def _first(work: Callable[[], Any], clock: Callable[[], float]) -> tuple[Any, float]:
    """Return the answer, and about how many seconds one call takes without compilation."""
    start = clock()
    answer = work()
    seconds = clock() - start
    return answer, seconds if seconds >= SLOW else _turn(work, 1, clock)


def _turn(work: Callable[[], Any], calls: int, clock: Callable[[], float]) -> float:
    """Seconds per call."""
    gc.collect()
    gc.disable()
    try:
        start = clock()
        for _ in range(calls):
            work()
        return (clock() - start) / calls
    finally:
        gc.enable()


def table(outcomes: Sequence[Sequence[Outcome]]) -> str:
    """Return the Markdown table of a section that was measured once or several times.

    outcomes: of each pass, the same races in the same order.
    """
    several = len(outcomes) > 1
    header = ["case", "focsbench", "ms (least)", "peer", "ms (least)", "times faster"]
    header += ["each pass"] if several else []
    header += ["clock", "difference of the answers"]
    lines = [_row(header), _row(["---"] * len(header))]
    for same in zip(*outcomes, strict=True):
        first = same[0]
        ratios = [ratio for one in same for ratio in one.ratios]
        cells = [first.case, first.ours, _times([t for one in same for t in one.ours_ms])]
        cells += [first.peer, _times([t for one in same for t in one.peer_ms])]
        cells += [f"**{_short(middle(ratios))}**"]
        cells += [", ".join(_short(one.ratio) for one in same)] if several else []
        cells += [first.clock, _difference(max(one.difference for one in same), first.unit)]
        lines.append(_row(cells))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _times(values: Sequence[float]) -> str:
    return f"{_short(statistics.median(values))} ({_short(min(values))})"


def _short(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _difference(value: float, unit: str) -> str:
    return "none" if value == 0 else f"{value:.1e} {unit}".rstrip()


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def measure(section: Section, threads: int, effort: Effort) -> dict[str, Any]:
    """Run the races of a section; gives plain data for :mod:`performance`."""
    load = [os.getloadavg()[0]]
    outcomes = []
    for race in section.races(threads):
        for outcome in run_race(race, effort):
            outcomes.append(asdict(outcome))
            say = f"{outcome.case}: {_short(outcome.ratio)} times faster than {outcome.peer}"
            print(say, file=sys.stderr, flush=True)
    load.append(os.getloadavg()[0])
    return {
        "title": section.title,
        "text": section.text,
        "outcomes": outcomes,
        "left_out": LEFT_OUT,
        "versions": versions(section.packages),
        "threads": threads,
        "load": load,
    }


def outcomes_of(measured: dict[str, Any]) -> list[Outcome]:
    """Return the outcomes in what :func:`measure` gave, also after JSON."""
    return [
        Outcome(**{**one, "ours_ms": tuple(one["ours_ms"]), "peer_ms": tuple(one["peer_ms"])})
        for one in measured["outcomes"]
    ]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every benchmark has."""
    effort = Effort()
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=effort.rounds, help="at most, of each racer")
    parser.add_argument("--least", type=float, default=effort.least, help="seconds of a turn")
    parser.add_argument("--most", type=float, default=effort.most, help="seconds of a race")
    parser.add_argument("--json", type=Path, help="write what was measured into this file")


def main(section: Section, arguments: Sequence[str] | None = None) -> None:
    """Measure one section and print its table."""
    parser = argparse.ArgumentParser(description=section.title)
    add_options(parser)
    show(section, parser.parse_args(arguments))


def show(section: Section, options: argparse.Namespace) -> None:
    """Measure one section as the options say, print its table, and keep what was measured."""
    effort = Effort(options.rounds, options.least, options.most)
    measured = measure(section, options.threads, effort)
    print(f"\n## {section.title}\n\n{table([outcomes_of(measured)])}\n")
    print(", ".join(f"{name} {number}" for name, number in measured["versions"].items()), end="; ")
    print(f"{options.threads} threads; load {measured['load'][0]:.1f} to {measured['load'][1]:.1f}")
    if options.json:
        options.json.write_text(json.dumps(measured), encoding="utf-8")
