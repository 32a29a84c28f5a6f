"""Races statistics and curves of many scan distances: streamed histograms against whole arrays.

    python benchmarks/bench_statistics.py
    python benchmarks/bench_statistics.py --memory [--methods 10] [--points 16000000]

Float32 distances of some methods lie on disk, one file per image as the protocol ``now`` leaves
them. With ``--memory`` each way runs once in a process of its own, and the peak of its resident
memory stands beside its CPU time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from race import Race, Racer, Section, add_options
from race import show as show_races

from focsbench.metrics.distance_pool import DistancePool
from focsbench.metrics.intervals import subject_draws
from focsbench.types import FloatArray

IMAGES_PER_SUBJECT = 18  # as NoW has them on average
NAIVE_DRAWS = 5  # of 10,000; more would take too long


def make(folder: Path, methods: int, points: int, subjects: int) -> None:
    """Write distances ``<method>/<subject>-<image>.npy``; those of a person are alike."""
    rng = np.random.default_rng(0)
    images = subjects * IMAGES_PER_SUBJECT
    person = rng.lognormal(0, 0.2, subjects)
    for method in range(methods):
        place = folder / f"method-{method}"
        place.mkdir()
        for image in range(images):
            size = points // images + (image < points % images)
            scale = (1.2 + 0.02 * method) * person[image // IMAGES_PER_SUBJECT]
            distances = np.abs(rng.standard_normal(size, dtype=np.float32))
            distances *= np.float32(scale * rng.lognormal(0, 0.05))
            name = f"{image // IMAGES_PER_SUBJECT:03d}-{image % IMAGES_PER_SUBJECT:02d}.npy"
            np.save(place / name, distances)


def measured(way: str, folder: Path) -> dict[str, object]:
    """Run one way; imports and compilation are not part of the time."""
    run = {"focsbench": by_focsbench, "numpy": partial(by_numpy, naive_draws=NAIVE_DRAWS)}[way]
    with tempfile.TemporaryDirectory() as small:
        make(Path(small), 2, 40_000, 6)
        run(Path(small))
    before = time.process_time()
    answers = run(folder)
    seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mib": peak, **answers}


def by_focsbench(folder: Path) -> dict[str, object]:
    """Median, mean, std, their intervals, curve with band, tests against the best, the figure."""
    from focsbench.drawing.error_curves import error_curve_figure
    from focsbench.metrics.error_curve import curve_of
    from focsbench.metrics.intervals import Population, mean_interval
    from focsbench.metrics.paired_tests import Pair, adjusted, permutation_test
    from focsbench.reports.scan_pools import count_pool

    numbers, intervals, curves, medians = {}, {}, {}, {}
    for place in sorted(folder.iterdir()):
        members = {path.stem: path.stem.partition("-")[0] for path in place.iterdir()}
        pool = count_pool(place, members)
        found = pool.statistics()
        numbers[place.name] = (found.median, found.mean, found.std)
        intervals[place.name] = [
            (one.low, one.high)
            for statistic in (pool.median, pool.mean, pool.std)
            if (one := mean_interval([Population(statistic, len(pool.subjects))])) is not None
        ]
        curves[place.name] = curve_of(pool)
        medians[place.name] = pool.median
    best = min(numbers, key=lambda name: numbers[name][0])
    columns = np.arange(len(pool.subjects))
    ps = [
        permutation_test([Pair(medians[name], medians[best], columns)], len(columns))
        for name in numbers
        if name != best
    ]
    error_curve_figure({"all": curves}, {name: name for name in curves})
    return {
        "numbers": numbers,
        "intervals": intervals,
        "curves": {name: curve.share[::50].tolist() for name, curve in curves.items()},
        "p": adjusted(ps),
    }


def by_numpy(folder: Path, naive_draws: int = 0) -> dict[str, object]:
    """The same numbers from whole arrays, and a few of the draws that an interval needs."""
    numbers, curves = {}, {}
    grid = np.arange(701) * 0.01
    draws = 0.0
    rng = np.random.default_rng(0)
    for place in sorted(folder.iterdir()):
        by_subject: dict[str, list[np.ndarray]] = {}
        for path in sorted(place.iterdir()):
            by_subject.setdefault(path.stem.partition("-")[0], []).append(np.load(path))
        parts = [np.concatenate(images) for images in by_subject.values()]
        pool = np.concatenate(parts).astype(np.float64)
        numbers[place.name] = (np.median(pool), pool.mean(), pool.std())
        curves[place.name] = (np.searchsorted(np.sort(pool), grid, "right") / len(pool))[::50]
        if naive_draws and not draws:  # of the first method only
            before = time.process_time()
            for _ in range(naive_draws):
                drawn = [parts[index] for index in rng.integers(len(parts), size=len(parts))]
                np.median(np.concatenate(drawn))
            draws = (time.process_time() - before) / naive_draws
    return {
        "numbers": {name: [float(x) for x in values] for name, values in numbers.items()},
        "curves": {name: curve.tolist() for name, curve in curves.items()},
        "seconds_per_draw": draws,
    }


def show_memory(found: dict[str, dict], methods: int, points: int, subjects: int) -> None:
    """Print a table of both ways and how well they agree."""
    ours, naive = found["focsbench"], found["numpy"]
    print(f"{methods} methods x {points:,} distances, {subjects} subjects")
    print("\n| way | CPU s | peak MiB | what |\n|---|---|---|---|")
    print(
        f"| focsbench | {ours['seconds']:.1f} | {ours['peak_mib']:.0f} | median, mean, std, an "
        "interval of each from 10,000 draws, curve with band, tests against the best, figure |"
    )
    print(
        f"| numpy | {naive['seconds']:.1f} | {naive['peak_mib']:.0f} | median, mean, std, curve; "
        f"{NAIVE_DRAWS} draws of one median ({naive['seconds_per_draw']:.2f} s each, so "
        f"{naive['seconds_per_draw'] * 10_000 * methods / 3600:.0f} h for all) |"
    )
    print("\n| method | median | 95 % | mean | std | p adjusted | median, mean, std of numpy |")
    print("|---|---|---|---|---|---|---|")
    p = iter(ours["p"])
    best = min(ours["numbers"], key=lambda name: ours["numbers"][name][0])
    for name, (median, mean, std) in ours["numbers"].items():
        low, high = ours["intervals"][name][0]
        value = "best" if name == best else f"{next(p):.4f}"
        other = ", ".join(f"{x:.6f}" for x in naive["numbers"][name])
        print(f"| {name} | {median:.6f} | {low:.3f}, {high:.3f} | {mean:.6f} | {std:.6f} "
              f"| {value} | {other} |")  # fmt: skip
    worst = [
        max(abs(a - b) for a, b in zip(ours["numbers"][m], naive["numbers"][m], strict=True))
        for m in ours["numbers"]
    ]
    curve = [
        max(abs(a - b) for a, b in zip(ours["curves"][m], naive["curves"][m], strict=True))
        for m in ours["curves"]
    ]
    print(f"\nLargest difference of a number: {max(worst):.1e} mm, of a share: {max(curve):.1e}")


GRID_MM = 0.01  # of the curves, to 7 mm
Described = dict[str, tuple[FloatArray, FloatArray]]
"""By method: median, mean and standard deviation (mm), and the shares within 0 to 7 mm."""


def described_by_focsbench(folder: Path) -> Described:
    """Count every file once into the histogram of its person."""
    found = {}
    for place in sorted(folder.iterdir()):
        pool = _pool(place)
        of_pool = pool.statistics()
        shares = pool.within(10, 701).sum(axis=0) / of_pool.n
        found[place.name] = (np.array([of_pool.median, of_pool.mean, of_pool.std]), shares)
    return found


def described_by_numpy(folder: Path) -> Described:
    """Read everything, then sort it."""
    found = {}
    for place in sorted(folder.iterdir()):
        pool = np.sort(np.concatenate([np.load(path) for path in place.iterdir()]))
        pool = pool.astype(np.float64)
        shares = np.searchsorted(pool, np.arange(701) * GRID_MM, "right") / len(pool)
        found[place.name] = (np.array([np.median(pool), pool.mean(), pool.std()]), shares)
    return found


def worst_number(mine: Described, theirs: Described) -> float:
    """Largest difference of a number or of a share."""
    pairs = [pair for name in mine for pair in zip(mine[name], theirs[name], strict=True)]
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def _pool(folder: Path) -> DistancePool:
    members = {path.stem: path.stem.partition("-")[0] for path in folder.iterdir()}
    return DistancePool.of(members, lambda key: np.load(folder / f"{key}.npy"))


def naive_medians(folder: Path, draws: FloatArray) -> FloatArray:
    """The median of the pool of every draw of persons: put together and sorted anew."""
    by_subject = _by_subject(folder)
    return np.array(
        [
            np.median(np.concatenate([p for p, n in zip(by_subject, row, strict=True)
                                      for _ in range(n)]))
            for row in draws
        ]
    )  # fmt: skip


def counted_medians(folder: Path, draws: FloatArray) -> FloatArray:
    """The same from one histogram per person."""
    return _pool(folder).median(draws.astype(np.float64))


def _by_subject(folder: Path) -> list[FloatArray]:
    parts: dict[str, list[FloatArray]] = {}
    for path in sorted(folder.iterdir()):
        parts.setdefault(path.stem.partition("-")[0], []).append(np.load(path))
    return [np.concatenate(images) for images in parts.values()]


def races(threads: int) -> Iterator[Race]:
    """Yield all races; one thread, CPU time."""
    del threads
    methods, points, people, drawn = 3, 4_000_000, 20, 300
    with tempfile.TemporaryDirectory() as large, tempfile.TemporaryDirectory() as small:
        make(Path(large), methods, points, people)
        yield Race(
            f"statistics and curve of {methods} x {points:,} distances on disk",
            Racer("histograms", lambda: described_by_focsbench(Path(large))),
            [Racer("numpy, sorted", lambda: described_by_numpy(Path(large)))],
            worst_number,
            "mm or of a share",
        )
        make(Path(small), 1, 400_000, people)
        draws = subject_draws(people, drawn)
        one = Path(small) / "method-0"
        yield Race(
            f"the median of 400,000 distances in {drawn} draws of {people} persons",
            Racer("histograms", lambda: counted_medians(one, draws)),
            [Racer("numpy", lambda: naive_medians(one, draws))],
            lambda mine, theirs: float(np.abs(mine - theirs).max()),
            "mm",
        )


SECTION = Section(
    "Statistics",
    "Distances of scan points, one file per image of 20 persons. *Statistics and curve*: median, "
    "mean, standard deviation, and the share of points within 0 to 7 mm. *Draws*: what an interval "
    "rests on; each takes persons with replacement, and a 95 % interval needs 10,000. Medians of "
    "draws are known to 0.001 mm. One thread.",
    races,
)


def main() -> None:
    """Run the races; or measure the memory of both ways and print all their answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--memory", action="store_true", help="each way once, alone")
    parser.add_argument("--methods", type=int, default=10)
    parser.add_argument("--points", type=int, default=16_000_000, help="distances per method")
    parser.add_argument("--subjects", type=int, default=20)
    parser.add_argument("--way", choices=["focsbench", "numpy"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measured(options.way, options.data)))
        return
    if not options.memory:
        show_races(SECTION, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), options.methods, options.points, options.subjects)
        found = {
            way: json.loads(
                subprocess.run(
                    [sys.executable, __file__, "--way", way, "--data", folder],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
            for way in ("focsbench", "numpy")
        }
    show_memory(found, options.methods, options.points, options.subjects)


if __name__ == "__main__":
    main()
