"""Runs a small profile on a disk that is too small, and read-only now and then (Linux, root).

    python full_disk.py ROOT [--first MB] [--growth FACTOR] [CHANGE ...]

Once undisturbed; then on a file system in memory that is full each time the run gets further. Each
time it is also made read-only, then larger, and the same command is given again. Prints what the
command said, and as JSON: how often it stopped, files that differ, and files that are no result.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from kill_runs import CHANGES
from kill_support import damaged, files_of, left_over

from focsbench.profiles.profile import load_profile
from focsbench.runs.pipeline import build_plan
from focsbench.runs.store import Store

MB = 1 << 20


def run(folder: Path, changes: list[str]) -> tuple[int, str]:
    """Give the command; return its exit code and the last thing it said about an error."""
    sets = [part for change in CHANGES + changes for part in ("--set", change)]
    command = ["focsbench", "run-all", "--profile", "smoke", "--output", str(folder), *sets]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    said = [line for line in done.stderr.splitlines() if "cannot be" in line]
    return done.returncode, said[-1] if said else done.stderr[-300:]


def mount(disk: Path, options: str) -> None:
    """Mount a file system in memory, or change how it is mounted."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder but logs, which grow whenever they can."""
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("log.txt", "log.jsonl")
    }


def main() -> int:
    """Fill the disk until the run is done; print what happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("changes", nargs="*")
    parser.add_argument("--first", type=float, default=1.0, help="MB of the disk at first")
    parser.add_argument("--growth", type=float, default=1.4, help="factor each time it is full")
    given = parser.parse_intermixed_args()
    calm, disk = given.root / "calm", given.root / "disk"
    disk.mkdir(parents=True)
    code, said = run(calm, given.changes)
    assert code == 0, said
    size, full, changed_read_only = given.first * MB, 0, []
    mount(disk, f"size={int(size)}")
    try:
        while True:
            code, said = run(disk / "run", given.changes)
            print(f"{size / MB:.1f} MB: exit code {code}; {said.strip()}", flush=True)
            if code == 0:
                break
            assert code == 1
            full += 1
            before = contents(disk)
            mount(disk, "remount,ro")
            code, said = run(disk / "run", given.changes)
            print(f"  read-only: exit code {code}; {said.strip()}", flush=True)
            assert code == 1
            if contents(disk) != before:
                changed_read_only.append(full)
            size *= given.growth
            mount(disk, f"remount,rw,size={int(size)}")
        one, other = files_of(calm), files_of(disk / "run")
        plan = build_plan(load_profile("smoke", CHANGES + given.changes))
        facts = {
            "times the disk was full": full,
            "files": len(one),
            # A run that could not predict everything has scored and reported the rest.
            "files of partial results": len(other.keys() - one.keys()),
            "files that differ": sorted(name for name in one if one[name] != other.get(name)),
            "damaged results": damaged(Store(disk / "run" / "artefacts"), plan),
            "left over": left_over(disk / "run"),
            "changed while read-only": changed_read_only,
        }
    finally:
        os.sync()
        subprocess.run(["umount", str(disk)], check=True)
    print(json.dumps(facts, indent=1))
    return int(any(facts[name] for name in list(facts)[3:]))


if __name__ == "__main__":
    sys.exit(main())
