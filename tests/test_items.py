"""One thing per item: failures stay with their item, finished items are not done again."""

import errno
import json
from functools import partial

import numpy as np
import pytest

from focsbench.errors import InputError, StorageError
from focsbench.items import (
    JOURNAL,
    Answer,
    Failure,
    Surroundings,
    each,
    local_processes,
    surrounded_by,
)
from focsbench.journal import Journal
from focsbench.progress import announcing, track

NAMES = ["a", "b", "c", "d"]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr("focsbench.storage.PAUSES", (0.0, 0.0))


class Work:
    """Counts its calls; fails on the items that it is told."""

    def __init__(self, root=None, errors=()):
        self.calls = []
        self.root = root
        self.errors = dict(errors)

    def __call__(self, number):
        self.calls.append(number)
        if number in self.errors:
            raise self.errors[number]
        files = []
        if self.root:
            files.append(self.root / f"{number}.txt")
            files[0].write_text(str(number))
        return Answer({"pair": (number, 0.1)}, {"third": np.array([number / 3])}, files)


def values(answers):
    return [(a.values["pair"], a.arrays["third"].tolist()) for a in answers]


EXPECTED = [([n, 0.1], [n / 3]) for n in range(4)]


def square(number):
    return Answer({"square": number**2})


def break_on_two(number):
    if number == 2:
        raise InputError("two: not today.")
    return square(number)


@pytest.mark.parametrize("shuffle", [None, 0, 1])
def test_the_order_of_work_does_not_show(shuffle):
    work = Work()
    with surrounded_by(Surroundings(shuffle=shuffle)):
        assert values(each("task", NAMES, work)) == EXPECTED
    assert sorted(work.calls) == [0, 1, 2, 3]
    assert (work.calls == [0, 1, 2, 3]) == (shuffle is None)


@pytest.mark.parametrize("workers", [1, 2])
def test_items_in_processes(workers):
    answers = each("task", NAMES, break_on_two, local_processes(workers))
    assert [getattr(answer, "values", None) for answer in answers] == [
        {"square": 0}, {"square": 1}, None, {"square": 9},
    ]  # fmt: skip
    assert answers[2] == Failure("two: not today.")


def test_an_item_that_fails_stops_no_other(caplog):
    work = Work(errors={1: InputError("b: torn."), 2: ZeroDivisionError("a bug")})
    answers = each("task", NAMES, work)
    assert [isinstance(answer, Failure) for answer in answers] == [False, True, True, False]
    assert answers[1].reason == "b: torn."
    assert answers[2].reason == "ZeroDivisionError: a bug"
    assert "task: c failed" in caplog.text


def test_a_fault_of_every_item_is_not_an_items():
    with pytest.raises(ZeroDivisionError):
        each("task", NAMES, Work(errors=dict.fromkeys(range(4), ZeroDivisionError("a bug"))))
    answers = each("task", NAMES, Work(errors=dict.fromkeys(range(4), InputError("torn."))))
    assert all(isinstance(answer, Failure) for answer in answers)


def test_errors_that_may_pass_are_tried_again():
    work = Work()

    def flaky(number):
        if work.calls.count(number) < 2:
            work.calls.append(number)
            try:
                raise OSError(errno.ESTALE, "Stale file handle")
            except OSError as error:
                raise InputError(f"photo: not readable ({error}).") from None
        return work(number)

    assert values(each("task", NAMES, flaky)) == EXPECTED
    always = Work(errors={0: OSError(errno.EIO, "Input/output error")})
    answers = each("task", NAMES, always)
    assert isinstance(answers[0], Failure)
    assert always.calls.count(0) == 3


def test_a_full_disk_is_not_an_items_fault():
    with pytest.raises(StorageError):
        each("task", NAMES, Work(errors={1: StorageError("full.")}))


def journaled(root, work, task="task"):
    with surrounded_by(Surroundings(journal=Journal(root))):
        return each(task, NAMES, work)


def test_finished_items_are_not_done_again(tmp_path):
    first = Work(tmp_path, errors={2: InputError("c: not yet.")})
    journaled(tmp_path, first)
    Journal(tmp_path).tidy()
    second = Work(tmp_path)
    assert values(journaled(tmp_path, second)) == EXPECTED
    assert second.calls == [2]
    third = Work(tmp_path)
    assert values(journaled(tmp_path, third)) == EXPECTED
    assert third.calls == []
    assert values(journaled(tmp_path, Work(tmp_path), "other task")) == EXPECTED


def test_what_belongs_to_no_finished_item_goes(tmp_path):
    journaled(tmp_path, Work(tmp_path, errors={3: InputError("d: not yet.")}))
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / ".3.txt.123.tmp").write_text("ha")
    (tmp_path / "3.txt").write_text("ha")
    Journal(tmp_path).tidy()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [JOURNAL, "0.txt", "1.txt", "2.txt"]


def damage_file(root, _line):
    (root / "1.txt").write_text("X")


def damage_missing(root, _line):
    (root / "1.txt").unlink()


def damage_arrays(root, line):
    (root / JOURNAL / line["arrays"]["file"]).write_bytes(b"PK")


def damage_values(root, _line):
    journal = next((root / JOURNAL).glob("*.jsonl"))
    journal.write_text(journal.read_text().replace('"pair": [1, ', '"pair": [7, '))


def damage_tear(root, _line):
    journal = next((root / JOURNAL).glob("*.jsonl"))
    lines = journal.read_bytes().splitlines(keepends=True)
    torn = [line[:-20] if json.loads(line)["name"] == "b" else line for line in lines]
    # What is torn is the last thing that a process wrote.
    journal.write_bytes(b"".join(sorted(torn, key=len, reverse=True)))


@pytest.mark.parametrize(
    "damage", [damage_file, damage_missing, damage_arrays, damage_values, damage_tear]
)
def test_a_damaged_item_is_done_again(tmp_path, damage):
    journaled(tmp_path, Work(tmp_path))
    lines = next((tmp_path / JOURNAL).glob("*.jsonl")).read_text().splitlines()
    damage(tmp_path, next(line for line in map(json.loads, lines) if line["name"] == "b"))
    again = Work(tmp_path)
    assert values(journaled(tmp_path, again)) == EXPECTED
    assert again.calls == [1]


def test_processes_note_what_they_finish(tmp_path):
    spread = local_processes(2)
    with surrounded_by(Surroundings(journal=Journal(tmp_path))):
        each("task", NAMES, square, spread)
    calls = []

    def never(number):
        calls.append(number)
        return Answer()

    assert [answer.values for answer in journaled(tmp_path, never)] == [
        {"square": n**2} for n in range(4)
    ]
    assert calls == []


def test_without_a_terminal_a_line_now_and_then(capsys):
    with announcing(0.0):
        each("score", [f"image {number}" for number in range(6)], partial(break_on_two))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "score: 1 of 6, 0 failed"  # the first ones foretell nothing
    assert lines[-1] == "score: 6 of 6, 1 failed, about 0 s left"
    with announcing(0.0):
        assert list(track(range(7), "em")) == list(range(7))
        assert list(track(iter("ab"), "of unknown number")) == ["a", "b"]
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("em: 1 of 7", "em: 7 of 7, about 0 s left", 7)
    each("score", NAMES, square)
    assert capsys.readouterr().err == ""
