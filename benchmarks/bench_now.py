"""Races the NoW evaluation against named peers, and beside the official tool's own times.

CPU seconds of one thread, with the difference of the answers. Peers that are not installed are
named and left out. ``--reference`` names a folder with results of the official tool (``dataset/``,
``predictions/`` and ``official/non_metrical.json``) and prints its times beside ours.

    python benchmarks/bench_now.py
    python benchmarks/bench_now.py --reference now_reference
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from race import Race, Racer, Section, add_options, importable, show

from focsbench.data.predictions import PredictionFolder
from focsbench.geometry.closest_point import ClosestPointTree
from focsbench.geometry.procrustes import procrustes
from focsbench.geometry.rotation import rotation_derivative, rotation_from_vector
from focsbench.geometry.scan_crop import CroppedScan, crop_scan
from focsbench.geometry.trust_region import DoglegRules, minimise
from focsbench.now.pair import PairScore, score_pair
from focsbench.now.scans import cropped_scan, find_scan
from focsbench.types import FloatArray, Mesh

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
    return CroppedScan(vertices[kept], kept, landmarks)


def peers(names: Sequence[str]) -> Iterator[tuple[str, Peer]]:
    """Those peers that are here: how they build their tree, and how they find distances."""
    known = {
        "libigl": ("libigl", "igl", libigl),
        "fcpw": ("FCPW (float32)", "fcpw", fcpw),
        "open3d": ("Open3D (float32)", "open3d", open3d),
        "trimesh": ("trimesh", "rtree", trimesh),
    }
    for label, package, peer in (known[name] for name in names):
        if importable(package):
            yield label, peer()


class IglTree:
    """AABB tree of libigl, which starts threads of its own unless asked in small blocks."""

    def __init__(self, mesh: Mesh) -> None:
        import igl

        self._mesh, self._tree = mesh, igl.AABB()
        self._tree.init(mesh.vertices, mesh.triangles)

    def query(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return squared distances (N,) and closest points (N, 3)."""
        vertices, triangles = self._mesh.vertices, self._mesh.triangles
        blocks = np.array_split(points, len(points) // 8192 + 1)
        found = [self._tree.squared_distance(vertices, triangles, block) for block in blocks]
        squared, _, closest = zip(*found, strict=True)
        return np.concatenate(squared), np.concatenate(closest)


def libigl() -> Peer:
    """The tree of libigl."""
    return IglTree, lambda tree, points: np.sqrt(tree.query(points)[0])


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


def closest_point_race(points: FloatArray, mesh: Mesh, names: Sequence[str]) -> Race:
    """A tree and one query of all points, and the largest difference of a distance."""

    def ours() -> FloatArray:
        return ClosestPointTree(mesh.vertices, mesh.triangles).query(points).distances

    def racer(name: str, peer: Peer) -> Racer:
        build, query = peer
        return Racer(name, lambda: query(build(mesh), points))

    return Race(
        f"{len(points):,} closest points on {len(mesh.vertices):,} vertices, tree and query",
        Racer("own tree", ours),
        [racer(name, peer) for name, peer in peers(names)],
        lambda mine, theirs: float(np.abs(mine - theirs).max()),
        "mm",
    )


class PlainDistances:
    """`ScanDistances` from the textbook: libigl for the closest points, numpy for the rest."""

    def __init__(self, theta: FloatArray, tree: IglTree, points: FloatArray) -> None:
        self.scale, self.rotation = float(theta[0]), rotation_from_vector(theta[1:4])
        self.translation = theta[4:]
        self._vector = theta[1:4]
        moved = (points - self.translation) @ self.rotation / self.scale
        _, self._closest = tree.query(moved)
        placed = self.scale * self._closest @ self.rotation.T + self.translation
        self._away = points - placed
        self.distances = np.linalg.norm(self._away, axis=1)
        self.sum_of_squares = float(self.distances @ self.distances)

    def normal_equations(self) -> tuple[FloatArray, FloatArray]:
        """J'J and -J'd with one row of J per point."""
        distances = np.maximum(self.distances, 1e-300)[:, None]
        normals = self._away / distances
        turned = rotation_derivative(self._vector, self.rotation)
        columns = [(normals * (self._closest @ self.rotation.T)).sum(1)]
        columns += [(normals * (self.scale * self._closest @ turn.T)).sum(1) for turn in turned]
        jacobian = np.column_stack([*columns, normals])
        return jacobian.T @ jacobian, jacobian.T @ self.distances


def plain_score(file: Path, landmarks: Path, scan: CroppedScan) -> FloatArray:
    """The evaluation of one image by trimesh, libigl and numpy; the same steps."""
    from trimesh import load_mesh

    read = load_mesh(file, process=False)
    start = procrustes(np.load(landmarks), scan.landmarks, allow_reflection=True)
    mesh = Mesh(start.apply(np.asarray(read.vertices)), np.asarray(read.faces))
    tree = IglTree(mesh)
    first = np.array([1.0, 0, 0, 0, 0, 0, 0])
    rules = DoglegRules()
    _, fit, _ = minimise(lambda theta: PlainDistances(theta, tree, scan.points), first, rules)
    return fit.distances


def image_race(scan: CroppedScan, mesh: Mesh, folder: Path) -> Race:
    """One image of NoW size, from its files to its distances."""
    _, landmarks = analytic_face(310, 388, seed=0)
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in mesh.vertices]
    lines += [f"f {a} {b} {c}\n" for a, b, c in mesh.triangles + 1]
    name = f"image-{len(mesh.vertices)}"
    file, points = folder / f"{name}.obj", folder / f"{name}.npy"
    file.write_text("".join(lines))
    np.save(points, landmarks + 1.0, allow_pickle=False)
    predictions = PredictionFolder(folder)
    return Race(
        f"one image of NoW, a prediction of {len(mesh.vertices):,} vertices",
        Racer("now score", lambda: score_pair(predictions, name, scan).distances),
        [Racer("trimesh, libigl, numpy", lambda: plain_score(file, points, scan))]
        if importable("igl")
        else [],
        lambda mine, theirs: abs(float(np.median(mine) - np.median(theirs))),
        "mm of the median",
    )


def races(threads: int) -> Iterator[Race]:
    """Yield all races; one thread, CPU time."""
    del threads
    scan = dense_scan()
    small = analytic_face(64, 80, seed=2)[0]
    large = analytic_face(170, 212, seed=2)[0]
    yield closest_point_race(scan.points, small, ("libigl", "fcpw", "open3d", "trimesh"))
    yield closest_point_race(scan.points, large, ("libigl", "fcpw", "open3d"))
    with tempfile.TemporaryDirectory() as folder:
        for mesh in (small, large):
            yield image_race(scan, mesh, Path(folder))


SECTION = Section(
    "The NoW evaluation",
    "A scan of NoW size (an analytic face of 120,280 vertices, of which 49,583 are evaluated). "
    "*One image* is everything that `focsbench now score` does for one image, its files and the "
    "diagnosis included, the cropped scan cached; the peer reads with trimesh, finds closest "
    "points with libigl, sums in numpy, takes the same steps and diagnoses nothing. One thread.",
    races,
    ("libigl", "fcpw", "open3d-cpu", "trimesh", "rtree"),
)


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


def official_table(folder: Path, repeats: int) -> None:
    """Print the pairs that the official tool was timed on, as they come in."""
    header = (
        "pair | points | triangles | official CPU s | focsbench CPU s | times faster "
        "| official steps | steps | official median, mm | median, mm"
    )
    print(f"\n| {header} |\n|{'---|' * (header.count('|') + 1)}")
    for line in reference_rows(folder, repeats):
        print(line, flush=True)


def main() -> None:
    """Run the races, or those pairs that the official tool was timed on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--reference", type=Path, help="folder of official results")
    options = parser.parse_args()
    if options.reference:
        official_table(options.reference, options.rounds)
    else:
        show(SECTION, options)


if __name__ == "__main__":
    main()
