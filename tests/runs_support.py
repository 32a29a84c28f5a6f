"""Toy steps for tests of the run machinery, in a module that worker processes can import."""

from __future__ import annotations

from pathlib import Path

from focsbench.runs.plan import Plan, Step

MODULE = '''
import errno
import json
import os
import time
from pathlib import Path

from focsbench.errors import InputError
from focsbench.items import Answer, each


def write(inputs, out, config, workers):
    """Write the name of the step, its number and what its inputs say."""
    texts = [(inputs[name] / "text").read_text() for name in sorted(inputs)]
    (out / "text").write_text(f"{config.get('number', 0)}({','.join(texts)})")
    (out / "process").mkdir()
    (out / "process" / "pid").write_text(str(os.getpid()))
    calls = Path(config["calls"])
    with calls.open("a") as file:
        file.write(f"{config['name']}\\n")


def rows(inputs, out, config, workers):
    """Write a score of one image beside the text."""
    write(inputs, out, config, workers)
    header = "method,protocol,subset,subject,item,metric,value,status,reason"
    (out / "rows.csv").write_text(f"{header}\\nfocs,ar_rmse,scarf,m-1,m-1-11,rmse,2.5,ok,\\n")


def slow(inputs, out, config, workers):
    write(inputs, out, config, workers)
    time.sleep(config["seconds"])


def refuse(inputs, out, config, workers):
    (out / "half").write_text("half")
    raise InputError("photo.jpg: not an image; replace it.")


def refuse_while(inputs, out, config, workers):
    """Refuse while the file that config names exists."""
    if Path(config["flag"]).exists():
        raise InputError("photo.jpg: not an image; replace it.")
    write(inputs, out, config, workers)


def crash(inputs, out, config, workers):
    raise ValueError("a bug")


def die(inputs, out, config, workers):
    os._exit(9)


def die_once(inputs, out, config, workers):
    """Be killed at the first attempt; config names the file that remembers it."""
    flag = Path(config["flag"])
    if not flag.exists():
        flag.touch()
        os._exit(9)
    write(inputs, out, config, workers)


def stale_once(inputs, out, config, workers):
    """Meet an error of a network file system at the first attempt."""
    flag = Path(config["flag"])
    if not flag.exists():
        flag.touch()
        raise OSError(errno.ESTALE, "Stale file handle")
    write(inputs, out, config, workers)


def fill_disk(inputs, out, config, workers):
    raise OSError(errno.ENOSPC, "No space left on device")


def where(inputs, out, config, workers):
    (out / "text").write_text(config["folder"])


def square(number):
    return Answer({"square": number**2, "pid": 0})


def items(inputs, out, config, workers):
    """Do items wherever the surroundings do them."""
    answers = each("squares", [str(number) for number in range(8)], square)
    (out / "text").write_text(",".join(str(answer.values["square"]) for answer in answers))


def lose_items(inputs, out, config, workers):
    write(inputs, out, config, workers)
    (out / "failures.json").write_text(json.dumps({"a/b": "too dark"}))


def threads(inputs, out, config, workers):
    import numba

    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    facts = {name: os.environ.get(name) for name in names}
    facts["numba"] = numba.get_num_threads()
    facts["workers"] = workers
    (out / "threads.json").write_text(json.dumps(facts))


def warn(inputs, out, config, workers):
    import logging
    import warnings

    logging.getLogger("focsbench.toy").info("hello from the step")
    warnings.warn("mind the step", stacklevel=1)
'''


class Toys:
    """A module ``toy_steps`` in a folder on the import path, and the calls of its functions."""

    def __init__(self, folder: Path) -> None:
        (folder / "toy_steps.py").write_text(MODULE)
        self._calls = folder / "calls"

    def step(self, name: str, *inputs: str, function: str = "write", **options) -> Step:
        parallel = options.pop("parallel", False)
        code_version = options.pop("code_version", "1")
        extra = {key: options.pop(key) for key in ("needs", "place", "sources") if key in options}
        config = {"name": name, "calls": str(self._calls), **options}
        return Step(name, f"toy_steps:{function}", code_version, inputs, config, parallel, **extra)

    def plan(self, number: int = 0) -> Plan:
        """a -> b, a -> c, (b, c) -> d; ``number`` is part of b alone."""
        return Plan(
            [
                self.step("a", parallel=True),
                self.step("b", "a", number=number),
                self.step("c", "a"),
                self.step("d", "b", "c"),
            ]
        )

    def calls(self) -> list[str]:
        """Names of the steps that ran since the last call of this method, sorted."""
        names = self._calls.read_text().split() if self._calls.exists() else []
        self._calls.unlink(missing_ok=True)
        return sorted(names)


def statuses(outcome):
    return {step.name: str(step.status) for step in outcome.steps}


def text(outcome, name):
    return (outcome.artefact(name).folder / "text").read_text()
