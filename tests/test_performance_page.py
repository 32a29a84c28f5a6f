"""The races of `benchmarks/`: turns, ratios, how well they repeat, and the page."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
TOY = """
from race import Race, Racer, Section, main

def races(threads):
    yield Race("add up", Racer("ours", lambda: sum(range(10))),
               [Racer("theirs", lambda: sum(range(20_000)))], lambda a, b: abs(a - b), "units")

SECTION = Section("Toys", "A text.", races, ("numpy",))

if __name__ == "__main__":
    main(SECTION)
"""


@pytest.fixture
def modules(monkeypatch):
    """The two modules, which are no package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    for name in ("race", "performance"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("race"), importlib.import_module("performance")
    for name in ("race", "performance"):
        sys.modules.pop(name, None)


@pytest.fixture
def race(modules):
    return modules[0]


@pytest.fixture
def performance(modules):
    return modules[1]


class Clock:
    """Time that passes when somebody works."""

    def __init__(self):
        self.now, self.log = 0.0, []

    def worker(self, name, seconds, answer):
        times = iter(seconds)

        def work():
            self.log.append(name)
            self.now += next(times)
            return answer

        return work


@pytest.fixture
def clock(race, monkeypatch):
    clock = Clock()
    monkeypatch.setitem(race.CLOCKS, "cpu", lambda: clock.now)
    monkeypatch.setattr(race.gc, "collect", lambda: 0)  # slow after other tests
    return clock


def test_racers_take_turns(race, clock):
    """The first calls (answer, and how long one takes) are not measured; the order alternates."""
    ours = clock.worker("a", [0.5, 1, 1, 2, 4], 3.0)  # short, so it is looked at once more
    theirs = clock.worker("b", [70, 2, 6, 8], 5.0)
    one = race.Race(
        "case", race.Racer("a", ours), [race.Racer("b", theirs)], lambda x, y: abs(x - y), "mm"
    )
    (found,) = race.run_race(one, race.Effort(rounds=3, least=0.5, most=1000))
    assert clock.log == list("aab" + "ab" + "ba" + "ab")
    assert found.ours_ms == (1e3, 2e3, 4e3)
    assert found.peer_ms == (2e3, 6e3, 8e3)
    assert found.ratios == [2, 3, 2]
    assert found.ratio == 2
    assert found.difference == 2
    assert (found.case, found.ours, found.peer, found.unit) == ("case", "a", "b", "mm")


def test_short_work_is_repeated_and_slow_work_has_fewer_rounds(race, clock):
    ours = clock.worker("a", 100 * [0.25], 0)
    theirs = clock.worker("b", 100 * [4.0], 0)
    one = race.Race("case", race.Racer("a", ours), [race.Racer("b", theirs)], lambda *_: 0, "")
    (found,) = race.run_race(one, race.Effort(rounds=9, least=1, most=16))
    # A round lasts 4 x 0.25 s and once 4 s: three of them fit in 16 s.
    assert found.ours_ms == 3 * (250,)
    assert found.peer_ms == 3 * (4e3,)
    assert clock.log.count("a") == 2 + 3 * 4
    one = race.Race("case", race.Racer("a", clock.worker("a", 100 * [60.0], 0)), [
        race.Racer("b", clock.worker("b", 100 * [60.0], 0))], lambda *_: 0, "")  # fmt: skip
    assert len(race.run_race(one, race.Effort(most=16))[0].ratios) == 2  # at least


def outcome(race, ours, peers, difference=0.0, case="case"):
    return race.Outcome(case, "ours", "peer", "cpu", tuple(ours), tuple(peers), difference, "mm")


def measured(race, *outcomes, title="Title"):
    return {
        "title": title,
        "text": "What it is.",
        "outcomes": [vars(one) for one in outcomes],
        "left_out": {"absent": "no module"},
        "versions": {"numpy": "2.0"},
        "threads": 2,
        "load": [0.1, 1.25],
    }


def test_deviation_is_that_of_the_ratios(race, performance):
    """Times that double on both sides are the same ratio."""

    def one(case, other):
        return [measured(race, outcome(race, *case), outcome(race, *other, case="b"))]

    first = one(([1, 1, 1], [3, 4, 5]), ([2], [3]))
    again = one(([2, 2, 2], [8, 8, 8]), ([2], [3.3]))
    found = performance.deviations([first, again])
    assert found == {"Title: case, peer": 0, "Title: b, peer": pytest.approx(0.1)}
    assert performance.worst(found) == ("Title: b, peer", pytest.approx(0.1))
    assert performance.deviations([again, first]) == pytest.approx(found)
    more = [measured(race, outcome(race, [1], [9], case="new"), outcome(race, [1], [4]))]
    assert performance.deviations([first, more]) == {"Title: case, peer": 0}
    assert performance.worst({})[1] == 0


def test_the_middle_of_ratios(race):
    assert race.middle([2, 8]) == pytest.approx(4)
    assert race.middle([3, 200, 1]) == pytest.approx(3)
    assert race.middle([200, 2, 0.1, 8]) == pytest.approx(4)
    heaps = 8 * [2.0] + 8 * [8.0]  # a median of one ratio more would be 2 or 8
    assert race.middle(heaps) == pytest.approx(4)
    assert 2 < race.middle([*heaps, 2.0]) < 4 < race.middle([*heaps, 8.0]) < 8


def test_page(race, performance):
    passes = [
        [measured(race, outcome(race, [1, 3, 2], [4, 6, 400], case="add up"))],
        [measured(race, outcome(race, [4], [8], difference=1.25e-7, case="add up"))],
    ]
    facts = {"processor": "P", "memory": "1 GiB", "system": "S", "packages": "torch 9"}
    text = performance.page(passes, facts)
    assert text == performance.page(json.loads(json.dumps(passes)), facts)
    (row,) = [line for line in text.splitlines() if line.startswith("| add up |")]
    # All rounds: ratios 4, 2, 200, 2; by pass 4 and 2.
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "add up", "ours", "2.5 (1)", "peer", "7 (4)", "**2.83**", "4, 2", "cpu", "1.2e-07 mm",
    ]  # fmt: skip
    assert "by more than 100.0 % (Title: add up, peer)" in text
    assert "load of the machine while it measured: 0.1 to 1.2" in text
    assert "numpy 2.0; 2 threads; not installed, so left out: absent." in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {10}
    once = performance.page(passes[:1], facts)
    assert "each pass" not in once
    assert "differs" not in once


def test_joined_passes_have_all_rounds(race, performance):
    passes = [[measured(race, outcome(race, [1], [peer], peer))] for peer in (2, 4)]
    (section,) = performance._joined(passes)
    (found,) = race.outcomes_of(section)
    assert (found.ratios, found.difference) == ([2, 4], 4)
    assert section["load"] == [0.1, 1.25, 0.1, 1.25]


def test_the_command(performance, monkeypatch, tmp_path, capsys):
    """A benchmark that is put into the folder is part of the page; others are not looked at."""
    (tmp_path / "bench_toy.py").write_text(TOY)
    (tmp_path / "bench_other.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(BENCHMARKS))
    monkeypatch.setattr(performance, "HERE", tmp_path)
    monkeypatch.setattr(performance, "LARGEST", 1e9)  # whatever else this machine does
    page, kept = tmp_path / "page.md", tmp_path / "kept.json"
    small = ["--rounds", "2", "--most", "0.5"]
    assert performance.main(["--page", str(page), "--keep", str(kept), *small]) == 0
    text = page.read_text()
    rounds = [len(section["outcomes"][0]["ours_ms"]) for (section,) in json.loads(kept.read_text())]
    assert rounds == [4, 4]  # two laps of two rounds for each pass
    assert text.count("## Toys") == 1
    assert "| add up | ours |" in text
    assert "2.0e+08 units" in text
    assert "pass to pass: largest deviation of a ratio" in capsys.readouterr().out
    monkeypatch.setattr(performance, "LARGEST", -1.0)
    arguments = ["--page", str(page), "--compare", str(kept), "--passes", "1", *small]
    assert performance.main(arguments) == 1
    assert f"{kept}: largest deviation" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "bench_nwo", "--page", "x.md"], "--only bench_nwo: no such benchmark"),
        (["--only", "bench_now"], "name another --page"),  # else the page would lose all others
    ],
)
def test_a_part_is_named_right_and_does_not_replace_the_page(performance, options, message, capsys):
    with pytest.raises(SystemExit):
        performance.main(options)
    assert message in capsys.readouterr().err


def test_every_benchmark_with_a_section_is_found(performance):
    names = [path.stem for path in performance.sections()]
    assert names[:4] == ["bench_now", "bench_renderer", "bench_training", "bench_inference"]
    assert {"bench_report", "bench_statistics"} <= set(names)
    for path in performance.sections():
        text = path.read_text()
        assert "race import" in text
        assert '__name__ == "__main__"' in text
    facts = performance.machine()
    assert "cores" in facts["processor"]
    assert "torch" in facts["packages"]
