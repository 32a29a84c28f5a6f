"""Races the renderer against named peers on one analytic face-like mesh.

A fast row that shows other triangles is no peer, so the share of other pixels stands beside it.
Peers that are not installed are named and left out.

    python benchmarks/bench_renderer.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from race import Race, Racer, Section, importable, main
from torch import Tensor

from focsbench.rendering.camera import focal_length, principal_point, project, transform
from focsbench.rendering.rasterize import get_rasterizer
from focsbench.rendering.renderer import Renderer


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


def rasterizers(camera: Tensor, uv: Tensor, triangles: Tensor, size: int) -> Iterator[Racer]:
    """Every other rasteriser that is here; gives the triangle ids of one image."""
    plain = get_rasterizer("torch")
    yield Racer("PyTorch scatter", lambda: plain(camera, uv, triangles, size)[0][0].numpy())
    if importable("open3d"):
        yield Racer("Open3D RaycastingScene", open3d_rays(camera, triangles, size))
    if importable("embreex"):
        yield Racer("Embree (embreex, trimesh)", embree_rays(camera, triangles, size))
    if importable("pytorch3d"):
        peer = get_rasterizer("pytorch3d")
        yield Racer("PyTorch3D", lambda: peer(camera, uv, triangles, size)[0][0].numpy())


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
        scene = open3d.t.geometry.RaycastingScene(nthreads=1)
        scene.add_triangles(open3d.core.Tensor(points), open3d.core.Tensor(faces))
        ids: np.ndarray[Any, Any] = scene.cast_rays(rays, nthreads=1)["primitive_ids"].numpy()
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


def rasterizer_race(side: int, size: int) -> Race:
    """One image: every rasteriser that is here, and the pixels that it sees otherwise."""
    vertices, triangles = face_mesh(side)
    scene = [tensor.detach() for tensor in random_scene(vertices, 1)]
    camera = transform(scene[0], scene[2], scene[3])
    uv = project(camera, size)
    numba = get_rasterizer("numba")

    def other_pixels(mine: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> float:
        covered = (mine >= 0) | ((theirs >= 0) & (theirs < len(triangles)))
        return float((mine != theirs)[covered].mean())

    return Race(
        f"rasterise {len(triangles):,} triangles at {size} px",
        Racer("numba", lambda: numba(camera, uv, triangles, size).triangle_ids[0].numpy()),
        list(rasterizers(camera, uv, triangles, size)),
        other_pixels,
        "of the pixels",
    )


def rendering_race(side: int, size: int, batch: int, backward: bool) -> Race:
    """A batch, forward or forward and backward: the largest difference of any pixel value."""
    vertices, triangles = face_mesh(side)
    scene = random_scene(vertices, batch)

    def racer(name: str, label: str) -> Racer:
        renderer = Renderer(triangles, size, name)

        def forward() -> Tensor:
            with torch.no_grad():
                return renderer(*scene).image

        def both() -> Tensor:
            image = renderer(*scene).image
            torch.autograd.grad(image.square().sum(), scene)
            return image.detach()

        return Racer(label, both if backward else forward)

    peers = [racer("torch", "plain PyTorch")]
    if importable("pytorch3d"):
        peers.append(racer("pytorch3d", "PyTorch3D, PyTorch shading"))
    what = "render and differentiate" if backward else "render"
    return Race(
        f"{what} {batch} x {len(triangles):,} triangles at {size} px",
        racer("numba", "fused numba"),
        peers,
        lambda mine, theirs: (mine - theirs).abs().max().item(),
        "of a pixel value",
    )


def races(threads: int) -> Iterator[Race]:
    """Yield all races. CPU time of one thread, so that what else runs counts little."""
    del threads
    torch.set_num_threads(1)
    yield rasterizer_race(160, 224)
    yield rendering_race(160, 224, 1, backward=False)
    yield rendering_race(160, 224, 1, backward=True)
    yield rendering_race(160, 224, 8, backward=True)
    yield rendering_race(51, 96, 24, backward=True)


SECTION = Section(
    "Renderer",
    "One analytic face-like mesh. *Rasterise* finds the triangle that each pixel shows; the search "
    "trees of Open3D and Embree are built anew for every image, because a fit moves every vertex. "
    "*Render* adds pose, projection, vertex normals, spherical harmonics and interpolation; "
    "*differentiate* the gradients into vertices, albedo, angles, translation and light. One "
    "thread.",
    races,
    ("open3d-cpu", "embreex", "trimesh", "pytorch3d"),
)


if __name__ == "__main__":
    main(SECTION)
