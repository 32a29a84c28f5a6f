"""Times the renderer against named peers on one analytic face-like mesh.

Every row is measured by ``torch.utils.benchmark`` in the same run, on the same data, and is
compared with the numba rasteriser: a fast row that shows other triangles is no peer. Peers that
are not installed are named and left out.

    python benchmarks/bench_renderer.py --threads 2
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.benchmark import Timer

from focsbench.rendering.camera import focal_length, principal_point, project, transform
from focsbench.rendering.numba_rasterizer import rasterize_images
from focsbench.rendering.rasterize import get_rasterizer
from focsbench.rendering.renderer import Renderer

Measured = tuple[str, float, float, str]


def face_mesh(side: int) -> tuple[Tensor, Tensor]:
    """A bump with a nose, 160 x 192 mm: (side^2, 3) float32 and 2 (side - 1)^2 triangles."""
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(1, -1, side))
    z = 60 * np.exp(-1.2 * (x**2 + y**2)) + 25 * np.exp(-20 * x**2 - 8 * y**2)
    vertices = np.stack([80 * x, 96 * y, z], axis=-1).reshape(-1, 3).astype(np.float32)
    index = np.arange(side * side, dtype=np.int32).reshape(side, side)
    a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
    c, d = index[1:, :-1].ravel(), index[1:, 1:].ravel()
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    return torch.from_numpy(vertices), torch.from_numpy(triangles)


def random_scene(vertices: Tensor, batch: int) -> tuple[Tensor, ...]:
    """Poses and lights of a batch; every tensor asks for gradients."""
    generator = torch.Generator().manual_seed(0)
    scene = (
        vertices.expand(batch, -1, -1).clone(),
        torch.rand(batch, *vertices.shape, generator=generator),
        0.2 * torch.randn(batch, 3, generator=generator),
        2 * torch.randn(batch, 3, generator=generator),
        0.3 * torch.randn(batch, 27, generator=generator),
    )
    return tuple(tensor.requires_grad_() for tensor in scene)


@cache
def importable(package: str) -> bool:
    """Whether a peer is here and loads; open3d needs system libraries beside its wheel."""
    try:
        import_module(package)
    except ImportError as error:
        print(f"left out: {package} ({error})")
        return False
    return True


def measure(work: Callable[[], Any], threads: int, seconds: float) -> tuple[float, float]:
    """Minimum and median wall time in ms. The minimum is what a busy machine disturbs least."""
    work()  # compilation and first-touch stay outside
    timer = Timer("work()", globals={"work": work}, num_threads=threads)
    times = timer.blocked_autorange(min_run_time=seconds).times
    return 1e3 * min(times), 1e3 * float(np.median(times))


def rasterizers(
    camera: Tensor, uv: Tensor, triangles: Tensor, size: int
) -> Iterator[tuple[str, Callable[[], np.ndarray[Any, Any]]]]:
    """Every rasteriser that is here, as a call that returns the triangle ids of one image."""
    numba = get_rasterizer("numba")
    yield (
        "focsbench numba, ids and barycentrics",
        lambda: numba(camera, uv, triangles, size).triangle_ids[0].numpy(),
    )
    yield "focsbench numba, z-buffer alone", z_buffer_alone(camera, uv, triangles, size)
    plain = get_rasterizer("torch")
    yield "focsbench torch scatter", lambda: plain(camera, uv, triangles, size)[0][0].numpy()
    if importable("open3d"):
        yield "open3d RaycastingScene (with build)", open3d_rays(camera, triangles, size)
    if importable("embreex"):
        yield "trimesh + embreex (with build)", embree_rays(camera, triangles, size)
    if importable("pytorch3d"):
        peer = get_rasterizer("pytorch3d")
        yield "pytorch3d rasterize_meshes", lambda: peer(camera, uv, triangles, size)[0][0].numpy()


def z_buffer_alone(
    camera: Tensor, uv: Tensor, triangles: Tensor, size: int
) -> Callable[[], np.ndarray[Any, Any]]:
    """The bare kernel: what the fused path spends on visibility."""
    screen, faces = uv.numpy(), triangles.numpy()
    inverse_depth = (1 / camera[..., 2]).numpy()
    ids = np.empty((1, size, size), np.int32)
    nearest = np.empty((1, size, size), np.float32)

    def draw() -> np.ndarray[Any, Any]:
        rasterize_images(0, 1, screen, inverse_depth, faces, True, True, ids, nearest)
        return ids[0]

    return draw


def pixel_rays(size: int) -> np.ndarray[Any, Any]:
    """Directions (S * S, 3) float32 of the rays through the pixel centres."""
    place = (np.arange(size) - principal_point(size)) / focal_length(size)
    x, y = np.meshgrid(place, place)
    return np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3).astype(np.float32)


def open3d_rays(camera: Tensor, triangles: Tensor, size: int) -> Callable[[], np.ndarray[Any, Any]]:
    """Open3D's raycasting; its tree is built anew each time, as a fit moves every vertex."""
    import open3d

    directions = pixel_rays(size)
    rays = open3d.core.Tensor(np.concatenate([np.zeros_like(directions), directions], 1))
    points, faces = camera[0].numpy(), triangles.numpy().astype(np.uint32)

    def cast() -> np.ndarray[Any, Any]:
        scene = open3d.t.geometry.RaycastingScene()
        scene.add_triangles(open3d.core.Tensor(points), open3d.core.Tensor(faces))
        ids: np.ndarray[Any, Any] = scene.cast_rays(rays)["primitive_ids"].numpy()
        return ids.astype(np.int64).reshape(size, size)

    return cast


def embree_rays(camera: Tensor, triangles: Tensor, size: int) -> Callable[[], np.ndarray[Any, Any]]:
    """Embree through trimesh, tree included."""
    import trimesh
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    directions = pixel_rays(size)
    points, faces = camera[0].numpy(), triangles.numpy()

    def cast() -> np.ndarray[Any, Any]:
        mesh = trimesh.Trimesh(points, faces, process=False)
        origins = np.zeros_like(directions)
        ids = RayMeshIntersector(mesh).intersects_first(origins, directions)
        return np.asarray(ids).reshape(size, size)

    return cast


def rasterizer_rows(side: int, size: int, threads: int, seconds: float) -> Iterator[Measured]:
    """One image: time and agreement of every rasteriser."""
    vertices, triangles = face_mesh(side)
    scene = [tensor.detach() for tensor in random_scene(vertices, 1)]
    camera = transform(scene[0], scene[2], scene[3])
    uv = project(camera, size)
    reference = get_rasterizer("numba")(camera, uv, triangles, size).triangle_ids[0].numpy()
    covered = reference >= 0
    for name, draw in rasterizers(camera, uv, triangles, size):
        ids = draw()
        either = covered | ((ids >= 0) & (ids < len(triangles)))
        agreement = f"{(ids == reference)[either].mean():.6f}"
        yield name, *measure(draw, threads, seconds), agreement


def rendering_rows(
    side: int, size: int, batch: int, threads: int, seconds: float
) -> Iterator[Measured]:
    """Forward and backward of a batch: time, and largest difference of the images."""
    vertices, triangles = face_mesh(side)
    scene = random_scene(vertices, batch)
    reference = Renderer(triangles, size, "numba")(*scene).image.detach()
    names = ["numba", "torch"] + (["pytorch3d"] if importable("pytorch3d") else [])
    for name in names:
        renderer = Renderer(triangles, size, name)

        def step(renderer: Renderer = renderer) -> Tensor:
            image = renderer(*scene).image
            torch.autograd.grad(image.square().sum(), scene)
            return image

        error = (step().detach() - reference).abs().max().item()
        label = "fused numba" if name == "numba" else f"{name} + plain torch shading"
        yield label, *measure(step, threads, seconds), f"{error:.1e}"


def show(title: str, agreement: str, rows: Iterator[Measured]) -> None:
    """Print one Markdown table as its rows come in."""
    print(f"\n### {title}\n\n| method | min ms | median ms | {agreement} |\n|---|---|---|---|")
    for name, least, median, agrees in rows:
        print(f"| {name} | {least:.2f} | {median:.2f} | {agrees} |", flush=True)


def main() -> None:
    """Run all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=2.0, help="time spent on each row")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    run = options.threads, options.seconds
    print(f"torch {torch.__version__}, {options.threads} threads, load {os.getloadavg()[0]:.1f}")
    for peer in ("open3d", "embreex", "pytorch3d"):
        importable(peer)
    show("Rasterise 50,562 triangles at 224 px", "same triangle", rasterizer_rows(160, 224, *run))
    title = "Rasterise, light and differentiate"
    agreement = "image difference"
    show(f"{title} 50,562 triangles at 224 px", agreement, rendering_rows(160, 224, 1, *run))
    show(f"{title}, batch of 8", agreement, rendering_rows(160, 224, 8, *run))
    quick = rendering_rows(51, 96, 24, *run)
    show(f"{title} 24 x 5,000 triangles at 96 px", agreement, quick)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
