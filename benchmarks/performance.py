"""Writes docs/performance.md: every benchmark of this folder, measured twice, in one command.

    python benchmarks/performance.py

Each ``bench_*.py`` with a ``SECTION`` runs in a process of its own, once for each of two passes
before the next one's turn, and all of them in two laps: where neighbours take memory bandwidth for
minutes, they take it from both passes. The command prints how far the ratios of the two passes
differ at most, and fails above 10 %. ``--keep FILE`` writes what was measured;
``--compare FILE`` says how far an earlier run is from this one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from race import Outcome, outcomes_of, table, versions

from focsbench.progress import track

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
COMMAND = "python benchmarks/performance.py"
LAPS = 2  # of all benchmarks in a pass
LARGEST = 0.10  # deviation of a ratio from one pass to the next that is accepted
FIRST = ("bench_now", "bench_renderer", "bench_training", "bench_inference")  # order of the page
# The C library gives large arrays back to the system at once and asks for them anew. That costs
# page faults: a quarter of the time of plain networks, another share in each process. Here a
# process keeps what it freed, so that ratios are those of the work.
MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34)}
ISA = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
Measured = dict[str, Any]


def sections() -> list[Path]:
    """Return the benchmarks of this folder that are part of the page, in its order."""
    found = [path for path in HERE.glob("bench_*.py") if "\nSECTION = " in path.read_text("utf-8")]
    return sorted(found, key=lambda path: (_place(path.stem), path.stem))


def _place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def measure(paths: Sequence[Path], options: Sequence[str], count: int) -> list[list[Measured]]:
    """Run all benchmarks in laps, in each lap once for every pass; return the passes."""
    laps: list[list[list[Measured]]] = [[[] for _ in range(LAPS)] for _ in range(count)]
    turns = [(lap, path) for lap in range(LAPS) for path in paths]
    for lap, path in track(turns, "benchmarks", total=len(turns)):
        for number in range(count) if lap % 2 == 0 else reversed(range(count)):
            laps[number][lap].append(_measured(path, options))
    return [_joined(of_pass) for of_pass in laps]


def _measured(path: Path, options: Sequence[str]) -> Measured:
    """Run one benchmark in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, str(path), *options, "--json", str(answer)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | MEMORY)
        found: Measured = json.loads(answer.read_text(encoding="utf-8"))
        return found


def deviations(passes: Sequence[Sequence[Measured]]) -> dict[str, float]:
    """Return, by race, how much larger its largest ratio is than its smallest, as a share.

    Races that not all passes have are left out.
    """
    by_race = [
        {
            f"{section['title']}: {outcome.case}, {outcome.peer}": outcome.ratio
            for section in one
            for outcome in outcomes_of(section)
        }
        for one in passes
    ]
    common = [name for name in by_race[0] if all(name in other for other in by_race)]
    ratios = {name: [other[name] for other in by_race] for name in common}
    return {name: max(values) / min(values) - 1 for name, values in ratios.items()}


def worst(found: dict[str, float]) -> tuple[str, float]:
    """Return the race whose ratio repeats worst, and its deviation."""
    return max(found.items(), key=lambda item: item[1], default=("nothing", 0.0))


def machine() -> dict[str, str]:
    """Describe the processor, its memory, Python and the packages that everything rests on."""
    info = _cpu_info()
    flags = info.get("flags", "").split()
    able = [name for name in ISA if name in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = versions(("torch", "numpy", "numba", "scipy"))
    return {
        "processor": f"{os.cpu_count()} cores, {_processor(info)} ({', '.join(able) or 'no AVX'})",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} on {platform.machine()}, Python "
        f"{platform.python_version()}",
        "packages": ", ".join(f"{name} {number}" for name, number in packages.items()),
    }


def _processor(info: dict[str, str]) -> str:
    name = info.get("model name") or platform.processor() or "unknown processor"
    family, model = info.get("cpu family"), info.get("model")
    return f"{name}, family {family} model {model}" if family and model else name


def _cpu_info() -> dict[str, str]:
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def page(passes: Sequence[Sequence[Measured]], facts: dict[str, str]) -> str:
    """Return the page: the machine, how to read it, and a table for each section."""
    loads = [load for one in passes for section in one for load in section["load"]]
    race, deviation = worst(deviations(passes))
    lines = [
        "# Performance",
        "",
        f"Written by `{COMMAND}`; do not edit. Each table races focsbench against named peers on "
        "the same data in the same process: in every round each works once, in alternating order, "
        "and a round gives one ratio of times. *Times faster* is the geometric mean of the middle "
        "third of the ratios; times are the median and, in brackets, the least of all rounds. "
        "*cpu* counts the CPU time of all threads, *wall* is time that passes. Compilation is not "
        "part of any time, nor is asking the system for memory anew "
        f"({', '.join(f'`{name}={MEMORY[name]}`' for name in MEMORY)}). "
        "What `benchmarks/README.md` says about single benchmarks holds here.",
        "",
        f"- {facts['processor']}, {facts['memory']}; {facts['system']}",
        f"- {facts['packages']}",
        f"- load of the machine while it measured: {min(loads):.1f} to {max(loads):.1f}",
    ]
    if len(passes) > 1:
        lines += [
            f"- measured {len(passes)} times in turn: no ratio of a pass differs from that of "
            f"another one by more than {100 * deviation:.1f} % ({race})"
        ]
    for same in zip(*passes, strict=True):
        first = same[0]
        lines += ["", f"## {first['title']}", "", first["text"], ""]
        lines.append(table([outcomes_of(one) for one in same]))
        notes = [f"{name} {number}" for name, number in first["versions"].items()]
        notes += [f"{first['threads']} threads"]
        notes += [f"not installed, so left out: {name}" for name in first["left_out"]]
        lines += ["", f"{'; '.join(notes)}."]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the page, and say how well the ratios repeat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=2, help="how often everything is measured")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="e.g. bench_now")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, help="of each racer, at most")
    parser.add_argument("--most", type=float, help="seconds of a race, at most")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write what was measured (JSON)")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="an earlier run, by --keep")
    options = parser.parse_args(arguments)
    known = {path.stem: path for path in sections()}
    if unknown := sorted(set(options.only or ()) - set(known)):
        parser.error(f"--only {unknown[0]}: no such benchmark; there are {', '.join(known)}")
    if options.only and options.page == PAGE:
        parser.error(f"--only: {PAGE.name} has all of them; name another --page for a part")
    paths = [path for name, path in known.items() if not options.only or name in options.only]
    passes = measure(paths, _passed_on(options), options.passes)
    options.page.write_text(page(passes, machine()), encoding="utf-8")
    print(options.page)
    if options.keep:
        options.keep.write_text(json.dumps(passes), encoding="utf-8")
    good = _say("pass to pass", deviations(passes))
    if options.compare:
        before = json.loads(options.compare.read_text(encoding="utf-8"))
        good &= _say(str(options.compare), deviations([_joined(before), _joined(passes)]))
    return 0 if good else 1


def _passed_on(options: argparse.Namespace) -> list[str]:
    named = {"--threads": options.threads, "--rounds": options.rounds, "--most": options.most}
    return [
        text for name, value in named.items() if value is not None for text in (name, str(value))
    ]


def _joined(passes: Sequence[Sequence[Measured]]) -> list[Measured]:
    """Return several measurements of the same sections as one, with the rounds of all."""
    return [
        {
            **same[0],
            "outcomes": _merged(same),
            "load": [load for one in same for load in one["load"]],
        }
        for same in zip(*passes, strict=True)
    ]


def _merged(same: Sequence[Measured]) -> list[dict[str, Any]]:
    merged = []
    for outcomes in zip(*(outcomes_of(one) for one in same), strict=True):
        largest = max(one.difference for one in outcomes)
        merged.append({**vars(outcomes[0]), **_all_rounds(outcomes), "difference": largest})
    return merged


def _all_rounds(outcomes: Iterable[Outcome]) -> dict[str, tuple[float, ...]]:
    kept = list(outcomes)
    return {
        "ours_ms": tuple(value for one in kept for value in one.ours_ms),
        "peer_ms": tuple(value for one in kept for value in one.peer_ms),
    }


def _say(what: str, found: dict[str, float]) -> bool:
    race, deviation = worst(found)
    print(f"{what}: largest deviation of a ratio {100 * deviation:.1f} % ({race})")
    return deviation <= LARGEST


if __name__ == "__main__":
    sys.exit(main())
