"""Wall time and memory of ``focsbench now score`` on made data of the size of NoW's validation.

    python benchmarks/bench_now_validation.py --workers 2

20 subjects with a scan of 120,280 vertices each and 352 predictions, half of them with 5,000 and
half with 36,000 vertices, as OBJ files. Two runs: with an empty cache of scans, then a full one.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_now import analytic_face

from focsbench.geometry.io import write_mesh
from focsbench.progress import track
from focsbench.types import Mesh

SUBJECTS, IMAGES = 20, 352
CHALLENGES = ("multiview_neutral", "multiview_expressions", "multiview_occlusions", "selfie")
SIZES = ((64, 80), (170, 212))  # columns and rows of the predictions


def make_dataset(root: Path) -> None:
    """Write scans, landmarks and image list; and the predictions, into ``root/method``."""
    dataset = root / "NoW"
    lines: list[str] = []
    for number in track(range(SUBJECTS), "make the dataset"):
        subject = f"subject_{number:02d}"
        scan, landmarks = analytic_face(310, 388, seed=number)
        noise = np.random.default_rng(number).normal(size=scan.vertices.shape) * 0.1
        for name in ("scans", "scans_lmks_onlypp"):
            (dataset / name / subject).mkdir(parents=True)
        write_mesh(
            dataset / "scans" / subject / "scan.obj", Mesh(scan.vertices + noise, scan.triangles)
        )
        points = "".join(f'<point x="{x}" y="{y}" z="{z}"/>\n' for x, y, z in landmarks)
        (dataset / "scans_lmks_onlypp" / subject / "scan.pp").write_text(
            f"<!DOCTYPE PickedPoints>\n<PickedPoints>\n{points}</PickedPoints>\n"
        )
        for image in range(number, IMAGES, SUBJECTS):
            key = f"{subject}/{CHALLENGES[image // SUBJECTS % 4]}/IMG_{image:04d}"
            write_prediction(root / "method" / key, number, image)
            lines.append(f"{key}.jpg")
    (dataset / "imagepathsvalidation.txt").write_text("\n".join(lines) + "\n")


def write_prediction(stem: Path, subject: int, image: int) -> None:
    """A coarser, wavy version of the subject's face, in metres."""
    face, landmarks = analytic_face(*SIZES[image % len(SIZES)], seed=subject)
    wave = np.sin(face.vertices / 25 + image) * [0.0, 0.0, 1.5]
    stem.parent.mkdir(parents=True, exist_ok=True)
    write_mesh(stem.with_suffix(".obj"), Mesh((face.vertices + wave) / 1000, face.triangles))
    np.save(stem.with_suffix(".npy"), landmarks / 1000, allow_pickle=False)


def timed_run(root: Path, workers: int) -> str:
    """Run the command in a process of its own and describe what it cost."""
    command = [str(Path(sys.executable).with_name("focsbench")), "now", "score"]
    command += [str(root / "method"), str(root / "NoW"), "--workers", str(workers)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    environment = {**os.environ, "FOCSBENCH_CACHE": str(root / "cache")}
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answer = next(line for line in run.stdout.splitlines() if line.startswith("| all"))
    return f"| {wall:.1f} | {cpu:.1f} | {after.ru_maxrss / 1024:.0f} | {answer.strip('| ')} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    workers = parser.parse_args().workers
    with tempfile.TemporaryDirectory() as folder:
        make_dataset(Path(folder))
        print(f"\n{workers} workers, load {os.getloadavg()[0]:.1f}\n")
        print("| wall s | CPU s | largest process MiB | images, done, points, median, ... |")
        print("|---|---|---|---|")
        for _ in ("empty cache of scans", "full cache of scans"):
            print(timed_run(Path(folder), workers), flush=True)


if __name__ == "__main__":
    main()
