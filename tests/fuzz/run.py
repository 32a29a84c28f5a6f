"""Fuzz the readers of strangers' files and print what became of the inputs.

    python tests/fuzz/run.py --minutes 60 --seed 0 [--target mesh --target torch] [--output FOLDER]

Minutes are those of the processor, shared by the targets, so a busy machine only takes longer.
Every target is a process of its own with limits of time and memory; one that crashes is started
again. Exit code 0: nothing was found; 2: something was. Each input that a reader stumbled over is
in the output folder, with the traceback beside it. Once mended, copy it to
``tests/fuzz/found/CASE``, where the test suite reads it again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from attacks.readers import READERS

WORKER = Path(__file__).with_name("worker.py")
LEAST_SECONDS = 1.0
MOST_RESTARTS = 100
COUNTED = ("executions", "accepted", "seconds", "cpu_seconds")
COLUMNS = (
    "target", "executions", "accepted", "refused", "errors", "hangs", "crashes", "other",
    "peak MiB", "lines", "CPU s",
)  # fmt: skip


class Total:
    """All processes of one target together."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.peak = self.lines = 0

    def add(self, state: dict[str, Any]) -> None:
        """Add the last state of a process that has ended."""
        for name in COUNTED:
            self.counts[name] += state[name]
        self.refused.update(state["refused"])
        self.findings.update(state["findings"])
        self.peak = max(self.peak, state["peak"])
        self.lines = max(self.lines, state["lines"])

    def row(self) -> list[object]:
        """Return the line of the table."""
        known = {"error", "hang", "crash"}
        other = sum(count for kind, count in self.findings.items() if kind not in known)
        refused = ", ".join(f"{name} {count}" for name, count in sorted(self.refused.items()))
        return [
            self.target, self.counts["executions"], self.counts["accepted"], refused,
            self.findings["error"], self.findings["hang"], self.findings["crash"], other,
            self.peak >> 20, self.lines, round(self.counts["cpu_seconds"]),
        ]  # fmt: skip


def fuzz_target(target: str, seconds: float, seed: int, output: Path) -> Total:
    """Fuzz one target for a while; a process that crashes is followed by another."""
    total = Total(target)
    for start in range(MOST_RESTARTS):
        left = seconds - total.counts["cpu_seconds"]
        if start and left < LEAST_SECONDS:
            break
        with tempfile.TemporaryDirectory(prefix="focsbench-fuzz-") as folder:
            code, state = _run(target, max(left, LEAST_SECONDS), f"{seed}.{start}", output, folder)
            if state:
                total.add(state)
            if code == 0:
                break
            total.findings["hang" if code == -signal.SIGXCPU else "crash"] += 1
            _save_crash(Path(folder), target, code, output)
    return total


def _run(
    target: str, seconds: float, seed: str, output: Path, folder: str
) -> tuple[int, dict[str, Any]]:
    command = [
        sys.executable, WORKER, folder, target, "--seconds", seconds, "--seed", seed,
        "--output", output, "--replay",
    ]  # fmt: skip
    state: dict[str, Any] = {}
    with (
        (output / f"{target}.log").open("ab") as log,
        subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdout is not None
        for line in map(json.loads, process.stdout):
            if "state" in line:
                state = line["state"]
            else:
                print(f"{target}: {line['kind']} at {line['where']}: {line['file']}", flush=True)
    return process.returncode, state


def _save_crash(folder: Path, target: str, code: int, output: Path) -> None:
    """Keep the input that a process was reading when it died."""
    from attacks.harmless import HARMLESS

    current = folder / target / "current"
    if not current.is_file():
        print(f"{target}: ended with {code} before it began, see {output / f'{target}.log'}")
        return
    case = next(case for case in HARMLESS if case.name == current.read_text())
    data = (folder / target / case.name / case.file).read_bytes()
    saved = output / case.name / hashlib.sha256(data).hexdigest()[:12]
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_bytes(data)
    saved.with_name(f"{saved.name}.txt").write_text(f"the process ended with {code}\n")
    print(f"{target}: the process ended with {code}: {saved}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="of the processor, shared by the targets"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", choices=sorted(READERS), help="default: all")
    parser.add_argument("--output", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args()
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    targets = options.target or list(READERS)
    totals = []
    for target in targets:
        share = 60 * options.minutes / len(targets)
        totals.append(fuzz_target(target, share, options.seed, output))
        done = totals[-1]
        print(f"{target}: {done.counts['executions']} executions", flush=True)
    print(tabulate([total.row() for total in totals], COLUMNS))
    everything = Total("")
    for total in totals:
        everything.counts.update(total.counts)
        everything.findings.update(total.findings)
    print(
        f"{everything.counts['executions']} executions in {everything.counts['seconds'] / 60:.1f} "
        f"minutes ({everything.counts['cpu_seconds'] / 60:.1f} of the processor), "
        f"{sum(everything.findings.values())} findings"
    )
    sys.exit(2 if everything.findings else 0)


if __name__ == "__main__":
    main()
