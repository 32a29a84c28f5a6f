"""Times the NoW evaluation against named peers and against the official tool's own times.

CPU seconds of one thread, the least of several repetitions, with the answers beside the times.
Peers that are not installed are named and left out. ``--reference`` names a folder with results of
the official tool: ``dataset/``, ``predictions/`` and ``official/non_metrical.json``.

    python benchmarks/bench_now.py --reference now_reference
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from focsbench.data.predictions import PredictionFolder
from focsbench.geometry.closest_point import ClosestPointTree
from focsbench.geometry.scan_crop import CroppedScan, crop_scan
from focsbench.now.pair import PairScore, score_pair
from focsbench.now.scans import cropped_scan, find_scan
from focsbench.types import FloatArray, Mesh

Answer = TypeVar("Answer")
Peer = tuple[Callable[[Mesh], Any], Callable[[Any, FloatArray], FloatArray]]


def analytic_face(columns: int, rows: int, seed: int) -> tuple[Mesh, FloatArray]:
    """A face-like height field of 220 x 274 mm with bumps of its own, and seven landmarks."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(-110, 110, columns), np.linspace(-137, 137, rows))
    z = 70 - x**2 / 130 - y**2 / 250 + 25 * np.exp(-(x**2) / 150 - (y + 10) ** 2 / 500)
    for _ in range(12):
        u, v, height = *rng.uniform(-80, 80, 2), rng.uniform(-4, 4)
        z += height * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 600)
    vertices = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    right, above = corner + 1, corner + columns
    lower = np.column_stack([corner, right, above + 1])
    upper = np.column_stack([corner, above + 1, above])
    wanted = [(-45, 35), (-15, 35), (15, 35), (45, 35), (0, -20), (-25, -50), (25, -50)]
    nearest = [np.hypot(x - u, y - v).argmin() for u, v in wanted]
    return Mesh(vertices, np.concatenate([lower, upper])), vertices[nearest]


def dense_scan() -> CroppedScan:
    """A noisy scan of NoW size: 120,000 vertices, of which 49,000 are evaluated."""
    scan, landmarks = analytic_face(310, 388, seed=0)
    vertices = scan.vertices + np.random.default_rng(1).normal(size=scan.vertices.shape) * 0.1
    kept = crop_scan(vertices, landmarks)
    print(f"\nscan of {len(vertices):,} vertices, {len(kept):,} in the crop")
    return CroppedScan(vertices[kept], kept, landmarks)


def least_time(work: Callable[[], Answer], repeats: int) -> tuple[float, Answer]:
    """CPU seconds of the fastest run, and its answer. Compilation is not part of it."""
    answer, seconds = work(), []
    for _ in range(repeats):
        start = time.process_time()
        answer = work()
        seconds.append(time.process_time() - start)
    return min(seconds), answer


def peers() -> Iterator[tuple[str, Peer]]:
    """Every peer that is here: how it builds its tree, and how it finds distances."""
    for name, package, peer in (
        ("libigl", "igl", libigl),
        ("fcpw (float32)", "fcpw", fcpw),
        ("open3d (float32)", "open3d", open3d),
        ("trimesh", "rtree", trimesh),
    ):
        try:
            import_module(package)
        except ImportError as error:
            print(f"left out: {name} ({error})")
        else:
            yield name, peer()


def libigl() -> Peer:
    """AABB tree of libigl, which starts threads of its own unless asked in small blocks."""
    import igl

    def build(mesh: Mesh) -> Any:
        tree = igl.AABB()
        tree.init(mesh.vertices, mesh.triangles)
        return tree, mesh

    def query(built: Any, points: FloatArray) -> FloatArray:
        tree, mesh = built
        blocks = np.array_split(points, len(points) // 8192 + 1)
        found = [tree.squared_distance(mesh.vertices, mesh.triangles, block) for block in blocks]
        return np.sqrt(np.concatenate([squared for squared, *_ in found]))

    return build, query


def fcpw() -> Peer:
    """The vectorised tree of FCPW; reading its answers one by one is part of its Python form."""
    import fcpw

    def build(mesh: Mesh) -> Any:
        scene = fcpw.scene_3D()
        scene.set_object_count(1)
        scene.set_object_vertices(np.asfortranarray(mesh.vertices, np.float32), 0)
        scene.set_object_triangles(np.asfortranarray(mesh.triangles, np.int32), 0)
        scene.build(fcpw.aggregate_type.bvh_surface_area, True)
        return scene

    def query(scene: Any, points: FloatArray) -> FloatArray:
        found = fcpw.interaction_3D_list()
        reach = np.full(len(points), np.inf, np.float32)
        scene.find_closest_points(np.asfortranarray(points, np.float32), reach, found)
        return np.array([one.d for one in found])

    return build, query


def open3d() -> Peer:
    """The raycasting scene of Open3D (Embree), on one thread."""
    import open3d

    def build(mesh: Mesh) -> Any:
        scene = open3d.t.geometry.RaycastingScene(nthreads=1)
        scene.add_triangles(
            open3d.core.Tensor(mesh.vertices.astype(np.float32)),
            open3d.core.Tensor(mesh.triangles.astype(np.uint32)),
        )
        return scene

    def query(scene: Any, points: FloatArray) -> FloatArray:
        queries = open3d.core.Tensor(points.astype(np.float32))
        distances: FloatArray = scene.compute_distance(queries, nthreads=1).numpy()
        return distances

    return build, query


def trimesh() -> Peer:
    """The proximity query of trimesh (an R-tree)."""
    from trimesh import Trimesh
    from trimesh.proximity import closest_point

    def build(mesh: Mesh) -> Any:
        built = Trimesh(mesh.vertices, mesh.triangles, process=False)
        _ = built.triangles_tree
        return built

    def query(built: Any, points: FloatArray) -> FloatArray:
        distances: FloatArray = closest_point(built, points)[1]
        return distances

    return build, query


def closest_point_rows(
    points: FloatArray, mesh: Mesh, others: list[tuple[str, Peer]], repeats: int
) -> Iterator[str]:
    """Build and query times of every method, and how far its distances are from ours."""

    def build() -> ClosestPointTree:
        return ClosestPointTree(mesh.vertices, mesh.triangles)

    seconds, tree = least_time(build, repeats)
    first, found = least_time(lambda: tree.query(points), repeats)
    yield row("focsbench", seconds, first, 0.0)
    moved = points + 0.3
    near = tree.query(points).triangles
    again, found_again = least_time(lambda: tree.query(moved, near), repeats)
    difference = np.abs(tree.query(moved).distances - found_again.distances).max()
    yield row("focsbench, points moved by 0.5 mm", 0.0, again, difference)
    for name, (make, query) in others:
        seconds, built = least_time(lambda make=make: make(mesh), repeats)
        asked, distances = least_time(
            lambda query=query, built=built: query(built, points), repeats
        )
        yield row(name, seconds, asked, np.abs(distances - found.distances).max())


def row(name: str, build: float, query: float, difference: float) -> str:
    """One line of the table of closest points."""
    return f"| {name} | {1e3 * build:.1f} | {1e3 * query:.1f} | {difference:.1e} |"


def reference_rows(folder: Path, repeats: int) -> Iterator[str]:
    """Each pair of the reference folder: both CPU times and the difference of the answers."""
    official = json.loads((folder / "official" / "non_metrical.json").read_text())
    predictions = PredictionFolder(folder / "predictions")
    ours = []
    for pair in official["pairs"]:
        scan = cropped_scan(*find_scan(folder / "dataset", pair["line"].split("/")[0]))
        key = pair["line"].removesuffix(".jpg")
        score = fastest(predictions, key, scan, repeats)
        ours.append(score.cpu_seconds)
        yield (
            f"| {pair['key']} | {pair['n_scan']:,} | {pair['pred_f']:,} | {pair['cpu']:.2f} "
            f"| {score.cpu_seconds:.3f} | {pair['cpu'] / score.cpu_seconds:.0f} "
            f"| {pair['n_outer']} | {score.steps} | {pair['median']:.6f} "
            f"| {np.median(score.distances):.6f} |"
        )
    theirs = [pair["cpu"] for pair in official["pairs"]]
    yield (
        f"| mean | | | {np.mean(theirs):.2f} | {np.mean(ours):.3f} "
        f"| {np.mean(theirs) / np.mean(ours):.0f} | | | | |"
    )


def fastest(folder: PredictionFolder, key: str, scan: CroppedScan, repeats: int) -> PairScore:
    """The score of one image, of the run that took the least CPU time."""
    scores = [score_pair(folder, key, scan) for _ in range(repeats + 1)]
    return min(scores[1:], key=lambda score: score.cpu_seconds)


def dense_rows(scan: CroppedScan, meshes: dict[str, Mesh], repeats: int) -> Iterator[str]:
    """CPU time of one pair of NoW size, files included, and of the whole validation set."""
    with tempfile.TemporaryDirectory() as folder:
        for name, mesh in meshes.items():
            _, landmarks = analytic_face(310, 388, seed=0)
            lines = [f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in mesh.vertices]
            lines += [f"f {a} {b} {c}\n" for a, b, c in mesh.triangles + 1]
            Path(folder, "image.obj").write_text("".join(lines))
            np.save(Path(folder, "image.npy"), landmarks + 1.0, allow_pickle=False)
            score = fastest(PredictionFolder(Path(folder)), "image", scan, repeats)
            yield (
                f"| {name} | {score.steps} | {np.median(score.distances):.4f} "
                f"| {score.cpu_seconds:.3f} | {352 * score.cpu_seconds / 2:.0f} |"
            )


def show(title: str, header: str, rows: Iterator[str]) -> None:
    """Print one Markdown table as its rows come in."""
    print(f"\n### {title}\n\n| {header} |\n|{'---|' * (header.count('|') + 1)}")
    for line in rows:
        print(line, flush=True)


def main() -> None:
    """Run all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, help="folder of official results")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    print(f"numpy {np.__version__}, load {os.getloadavg()[0]:.1f}")
    others = list(peers())
    scan = dense_scan()
    meshes = {
        "5,000 vertices": analytic_face(64, 80, seed=2)[0],
        "36,000 vertices": analytic_face(170, 212, seed=2)[0],
    }
    header = "method | build ms | query ms | largest difference, mm"
    for name, mesh in meshes.items():
        rows = closest_point_rows(scan.points, mesh, others, options.repeats)
        show(f"Closest points of {len(scan.points):,} on {name}", header, rows)
    header = "prediction | steps | median, mm | CPU s | 352 images on two cores, s"
    show("One image of NoW size", header, dense_rows(scan, meshes, options.repeats))
    if options.reference:
        show(
            "Pairs that the official tool was timed on",
            "pair | points | triangles | official CPU s | focsbench CPU s | times faster "
            "| official steps | steps | official median, mm | median, mm",
            reference_rows(options.reference, options.repeats),
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process {peak:.0f} MiB, load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
