"""Statistics and curves of many scan distances: streamed histograms against whole arrays in numpy.

    python benchmarks/bench_statistics.py [--methods 10] [--points 16000000] [--subjects 20]

Makes float32 distances of some methods on disk, one file per image as the protocol ``now`` leaves
them, then measures each way in a process of its own: CPU seconds (user and system, so that other
programs on the machine do not count) and the peak of resident memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

IMAGES_PER_SUBJECT = 18  # as NoW has them on average
NAIVE_DRAWS = 5  # of 10,000; more would take too long


def main() -> None:
    """Make the data, measure both ways, print times, memory and answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", type=int, default=10)
    parser.add_argument("--points", type=int, default=16_000_000, help="distances per method")
    parser.add_argument("--subjects", type=int, default=20)
    parser.add_argument("--way", choices=["focsbench", "numpy"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measured(options.way, options.data)))
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
    show(found, options.methods, options.points, options.subjects)


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
    run = {"focsbench": by_focsbench, "numpy": by_numpy}[way]
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


def by_numpy(folder: Path) -> dict[str, object]:
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
        if not draws:  # of the first method only
            before = time.process_time()
            for _ in range(NAIVE_DRAWS):
                drawn = [parts[index] for index in rng.integers(len(parts), size=len(parts))]
                np.median(np.concatenate(drawn))
            draws = (time.process_time() - before) / NAIVE_DRAWS
    return {
        "numbers": {name: [float(x) for x in values] for name, values in numbers.items()},
        "curves": {name: curve.tolist() for name, curve in curves.items()},
        "seconds_per_draw": draws,
    }


def show(found: dict[str, dict], methods: int, points: int, subjects: int) -> None:
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


if __name__ == "__main__":
    main()
