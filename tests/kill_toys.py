"""A small run without numbers, to be interrupted: ``python kill_toys.py ROOT WORKERS``."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

from kill_support import LOG, count_items

from focsbench.files import write_json
from focsbench.items import Answer, answered, each, local_processes
from focsbench.runs import attempts
from focsbench.runs.backends import InProcess, ProcessPool
from focsbench.runs.executor import Executor
from focsbench.runs.plan import Plan, Step
from focsbench.runs.store import Store

if LOG in os.environ:  # not in the test that imports this, but in all processes that it starts
    count_items()

ITEMS = {"data": 6, "predict": 6, "score": 7}


def plan() -> Plan:
    """Photographs that all workers share out, two steps beside each other, and a last one."""
    steps = [
        Step(
            name,
            "kill_toys:photographs",
            "1",
            () if name == "data" else ("data",),
            {"items": items},
            parallel=name == "data",
        )
        for name, items in ITEMS.items()
    ]
    return Plan([*steps, Step("report", "kill_toys:join", "1", ("predict", "score"))])


def photograph(out, number):
    """Write a file, slowly."""
    time.sleep(0.04)
    file = out / f"{number}.txt"
    file.write_text(str(number) * 500)
    return Answer({"number": number, "root": number**0.5}, files=[file])


def photographs(inputs, out, config, workers):
    """Write a file per item, and what the items said."""
    names = [f"photo-{number}" for number in range(config["items"])]
    spread = local_processes(workers) if workers > 1 else None
    answers = answered(each("photographs", names, partial(photograph, out), spread))
    write_json(out / "all.json", [dict(answer.values) for answer in answers])


def join(inputs, out, config, workers):
    """Write what the inputs say."""
    texts = [(folder / "all.json").read_text() for _, folder in sorted(inputs.items())]
    (out / "report.txt").write_text("".join(texts))


def main() -> int:
    """Run the plan, or run on."""
    root, workers = Path(sys.argv[1]), int(sys.argv[2])
    attempts.PAUSE = 0.0
    store = Store(root / "artefacts")
    store.clean()
    executor = Executor(
        store,
        workers=workers,
        backend=(lambda: ProcessPool(workers)) if workers > 1 else InProcess,
        retries=99,
    )
    outcome = executor.run(plan())
    for step in outcome.steps:
        print(step.name, step.status, step.reason)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
