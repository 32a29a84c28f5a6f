"""Choosing a rasteriser, the PyTorch3D adapter against a stand-in, and compilation."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numba
import pytest
import torch
from rendering_support import height_field, random_scene

from focsbench.errors import ConfigError
from focsbench.jit import kernel
from focsbench.rendering.camera import project, transform
from focsbench.rendering.rasterize import get_rasterizer
from focsbench.rendering.renderer import Renderer

SIZE = 16


def scene_on_screen(size=SIZE, batch=3):
    vertices, triangles = height_field(8)
    bent, _, angles, translation, _ = random_scene(vertices, batch, torch.float32)
    camera = transform(bent, 2 * angles, translation).detach()
    return camera, project(camera, size), triangles


def test_unknown_names_are_one_sentence():
    with pytest.raises(ConfigError, match="no rasterizer called 'opengl'"):
        get_rasterizer("opengl")
    with pytest.raises(ConfigError, match="no interpolation called 'cubic'"):
        Renderer(torch.tensor([[0, 1, 2]]), 8, interpolation="cubic")


@pytest.mark.skipif(importlib.util.find_spec("pytorch3d") is not None, reason="it is installed")
def test_missing_pytorch3d_is_one_sentence():
    with pytest.raises(ConfigError, match=r"pytorch3d cannot be imported .*: install PyTorch3D"):
        get_rasterizer("pytorch3d")


def test_automatic_choice_on_the_cpu_is_numba():
    scene = scene_on_screen()
    automatic, numba_choice = (get_rasterizer(name)(*scene, SIZE) for name in ("auto", "numba"))
    assert torch.equal(automatic.triangle_ids, numba_choice.triangle_ids)


def stand_in_meshes(verts, faces):
    return SimpleNamespace(verts=verts, faces=faces)


def stand_in_rasterize(meshes, image_size, blur_radius, faces_per_pixel, **options):
    """PyTorch3D's documented conventions, pixel by pixel.

    Pixel (row i, column j) has its centre at x = 1 - (2j + 1)/S, y = 1 - (2i + 1)/S: x points
    left and y up. Ids run through the faces of the whole batch; -1 where nothing is hit.
    """
    assert (blur_radius, faces_per_pixel) == (0.0, 1)
    assert options["perspective_correct"]
    assert options["max_faces_per_bin"] >= max(len(faces) for faces in meshes.faces)
    ids = torch.full((len(meshes.verts), image_size, image_size, 1), -1, dtype=torch.int64)
    first = 0
    for image, (vertices, faces) in enumerate(zip(meshes.verts, meshes.faces, strict=True)):
        assert vertices.dtype == torch.float32
        a, b, c = vertices[faces].double().unbind(1)
        for row in range(image_size):
            for column in range(image_size):
                y, x = (1 - (2 * place + 1) / image_size for place in (row, column))

                def area(p, q, x=x, y=y):
                    return (p[:, 0] - x) * (q[:, 1] - y) - (p[:, 1] - y) * (q[:, 0] - x)

                w = torch.stack([area(b, c), area(c, a), area(a, b)], 1)
                w = w / w.sum(1, keepdim=True)
                depth = 1 / (w / torch.stack([a[:, 2], b[:, 2], c[:, 2]], 1)).sum(1)
                depth[(w <= 0).any(1)] = torch.inf
                if depth.isfinite().any():
                    ids[image, row, column, 0] = first + depth.argmin()
        first += len(faces)
    return ids, None, None, None


@pytest.fixture
def stand_in_pytorch3d(monkeypatch):
    modules = {
        "pytorch3d.structures": SimpleNamespace(Meshes=stand_in_meshes),
        "pytorch3d.renderer.mesh.rasterize_meshes": SimpleNamespace(
            rasterize_meshes=stand_in_rasterize
        ),
    }
    monkeypatch.setattr(
        "focsbench.rendering.pytorch3d_rasterizer.import_module", modules.__getitem__
    )


@pytest.mark.usefixtures("stand_in_pytorch3d")
@pytest.mark.parametrize("cull", [True, False])
def test_pytorch3d_sees_the_scene_in_its_own_axes(cull):
    scene = scene_on_screen()
    expected = get_rasterizer("numba", cull)(*scene, SIZE)
    actual = get_rasterizer("pytorch3d", cull)(*scene, SIZE)
    assert (expected.triangle_ids >= 0).float().mean() > 0.2
    assert torch.equal(actual.triangle_ids, expected.triangle_ids)
    torch.testing.assert_close(actual.barycentrics, expected.barycentrics)


@pytest.mark.usefixtures("stand_in_pytorch3d")
def test_pytorch3d_with_nothing_to_draw():
    camera, uv, triangles = scene_on_screen()
    camera = camera * torch.tensor([1.0, 1.0, -1.0])
    assert (get_rasterizer("pytorch3d")(camera, uv, triangles, SIZE).triangle_ids == -1).all()


def test_kernels_compile_where_nothing_can_be_cached(monkeypatch):
    real = numba.njit

    def without_a_place(**options):
        if options.pop("cache", False):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(numba, "njit", without_a_place)

    def double(value: float) -> float:
        return 2 * value

    assert kernel(double)(2.5) == 5.0
