"""The differentiable renderer: gradients, the fused path against plain torch, determinism."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rendering_support import height_field, random_scene

from focsbench.rendering.camera import focal_length, principal_point
from focsbench.rendering.renderer import Renderer

NAMES = ("vertices", "albedo", "angles", "translation", "light")
INTERPOLATIONS = ("perspective", "affine")


def weighted_sum(output):
    """A scalar in which every pixel and every projected vertex has its own weight."""
    generator = torch.Generator().manual_seed(7)
    total = 0.0
    for tensor in (output.image, output.uv):
        weights = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        total = total + (weights.to(tensor.dtype) * tensor).sum()
    return total


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("moving", range(5), ids=NAMES)
def test_fused_gradients_against_finite_differences(moving, interpolation):
    """Every input alone, every entry of its Jacobian, for a mesh close enough to look deep."""
    vertices, triangles = height_field(5)
    scene = random_scene(vertices, 2, nearer=600)
    renderer = Renderer(triangles, 12, "numba", interpolation)

    def render(value):
        inputs = [tensor.detach() for tensor in scene]
        inputs[moving] = value
        output = renderer.render(*inputs)
        assert output.region.float().mean() > 0.2
        return output.image, output.uv

    assert torch.autograd.gradcheck(render, scene[moving], eps=1e-7, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 3e-4)])
@pytest.mark.parametrize("cull", [True, False])
def test_fused_path_equals_plain_torch(interpolation, dtype, tolerance, cull):
    vertices, triangles = height_field(24)
    scene = random_scene(vertices, 3, dtype, nearer=400)
    results = []
    for name in ("numba", "torch"):
        renderer = Renderer(triangles, 40, name, interpolation, cull_backfaces=cull)
        output = renderer(*scene)
        results.append((output, torch.autograd.grad(weighted_sum(output), scene)))
    (fused, fused_gradients), (plain, plain_gradients) = results
    assert torch.equal(fused.region, plain.region)
    torch.testing.assert_close(fused.image, plain.image, atol=tolerance, rtol=0)
    torch.testing.assert_close(fused.uv, plain.uv, atol=tolerance, rtol=0)
    for name, actual, expected in zip(NAMES, fused_gradients, plain_gradients, strict=True):
        error = (actual - expected).norm() / expected.norm()
        assert error < tolerance, name


def test_gradients_of_the_projection_alone_and_of_the_image_alone():
    vertices, triangles = height_field(10)
    scene = random_scene(vertices, 2)
    fused, plain = Renderer(triangles, 24, "numba"), Renderer(triangles, 24, "torch")
    for part in ("uv", "image"):
        gradients = [
            torch.autograd.grad(
                getattr(renderer(*scene), part).square().sum(), scene, allow_unused=True
            )
            for renderer in (fused, plain)
        ]
        for actual, expected in zip(*gradients, strict=True):
            wanted = torch.zeros_like(actual) if expected is None else expected
            torch.testing.assert_close(actual, wanted, rtol=1e-9, atol=1e-9)


def test_released_shading_takes_the_plain_path_and_has_gradients():
    vertices, triangles = height_field(5)
    scene = random_scene(vertices, 1)
    renderer = Renderer(triangles, 10, "numba", "affine", renormalize_normals=False)
    unit = Renderer(triangles, 10, "numba", "affine")
    assert not torch.allclose(renderer(*scene).image, unit(*scene).image)
    assert torch.autograd.gradcheck(
        lambda *inputs: renderer.render(*inputs).image, scene, eps=1e-7, atol=1e-5, rtol=1e-5
    )


def test_perspective_interpolates_on_the_surface_and_affine_on_the_screen():
    """With flat light, an albedo that is the position must show where the pixel's ray hits."""
    vertices = torch.tensor([[[-60.0, 60, 400], [-60, -60, 400], [60, -60, -400]]]).double()
    triangles = torch.tensor([[0, 1, 2]])
    zero, light = torch.zeros(1, 3).double(), torch.zeros(1, 27).double()
    size = 64
    shown = {}
    for interpolation in INTERPOLATIONS:
        output = Renderer(triangles, size, "numba", interpolation)(
            vertices, vertices, zero, zero, light
        )
        row, column = torch.nonzero(output.region[0], as_tuple=True)
        assert len(row) > 100
        gain = 0.7 * 2 * np.pi / np.sqrt(4 * np.pi)
        x, y, z = (output.image[0, :, row, column] / gain).numpy()
        f, c = focal_length(size), principal_point(size)
        shown[interpolation] = np.hypot(
            f * x / (1000 - z) + c - column.numpy(), -f * y / (1000 - z) + c - row.numpy()
        )
    assert shown["perspective"].max() < 1e-9
    assert shown["affine"].max() > 1


def test_image_is_upright_and_not_mirrored_twice():
    """The subject's left is at the viewer's right, up is up, and the nose faces the camera."""
    triangle = torch.tensor([[[20.0, 30, 0], [10, 30, 0], [15, 20, 0]]])
    zero = torch.zeros(1, 3)
    output = Renderer(torch.tensor([[0, 1, 2]]), 96, "numba")(
        triangle, torch.ones(1, 3, 3), zero, zero, torch.zeros(1, 27)
    )
    row, column = torch.nonzero(output.region[0], as_tuple=True)
    assert len(row) > 0
    assert (column > 48).all()
    assert (row < 48).all()
    golden = torch.full((3, len(row)), 1.240718)
    torch.testing.assert_close(output.image[0, :, row, column], golden, atol=1e-5, rtol=0)
    assert (output.image[0, :, ~output.region[0]] == 0).all()


@pytest.mark.parametrize("name", ["numba", "torch"])
@pytest.mark.parametrize("translation", [(5000.0, 0.0, 0.0), (0.0, 0.0, -3000.0)])
def test_an_empty_image_has_zero_gradients(name, translation):
    """Off the screen, and behind the camera."""
    vertices, triangles = height_field(6)
    scene = list(random_scene(vertices, 1))
    scene[3] = torch.tensor([translation], dtype=torch.float64, requires_grad=True)
    output = Renderer(triangles, 16, name)(*scene)
    assert not output.region.any()
    assert (output.image == 0).all()
    for gradient in torch.autograd.grad(output.image.sum(), scene, allow_unused=True):
        assert gradient is None or (gradient == 0).all()


def test_culling_hides_the_inside():
    vertices, triangles = height_field(6)
    scene = list(random_scene(vertices, 1))
    scene[2] = torch.tensor([[0.0, np.pi, 0.0]], dtype=torch.float64)  # seen from behind
    assert not Renderer(triangles, 32, "numba")(*scene).region.any()
    assert Renderer(triangles, 32, "numba", cull_backfaces=False)(*scene).region.any()


@pytest.fixture
def restored_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("restored_threads")
def test_any_number_of_threads_gives_the_same_bytes():
    vertices, triangles = height_field(24)
    scene = random_scene(vertices, 5, torch.float32)
    renderer = Renderer(triangles, 40)
    seen = []
    for threads in (1, 2, 3, 8):
        torch.set_num_threads(threads)
        output = renderer(*scene)
        gradients = torch.autograd.grad(weighted_sum(output), scene)
        seen.append(b"".join(t.detach().numpy().tobytes() for t in (*output, *gradients)))
    assert seen.count(seen[0]) == len(seen)


def test_precision_is_the_widest_of_the_inputs_and_at_least_single():
    vertices, triangles = height_field(6)
    scene = [tensor.detach() for tensor in random_scene(vertices, 1, torch.float32)]
    scene[4] = scene[4].bfloat16()
    renderer = Renderer(triangles, 16)
    single = renderer(*scene).image
    assert single.dtype == torch.float32
    assert torch.equal(renderer(*scene[:4], scene[4].float()).image, single)
    double = renderer(scene[0].double(), *scene[1:]).image
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, atol=1e-4, rtol=0)


def test_wrong_shapes_are_refused_before_compiled_code_sees_them():
    vertices, triangles = height_field(6)
    scene = [tensor.detach() for tensor in random_scene(vertices, 2)]
    renderer = Renderer(triangles, 16)
    for position, wrong in enumerate(
        (scene[0][:, :-1], scene[1][:1], scene[2][:, :2], scene[3][:1], scene[4][:, :9])
    ):
        inputs = [*scene]
        inputs[position] = wrong
        with pytest.raises(ValueError, match="shapes"):
            renderer(*inputs)
    short = [scene[0][:, :9], scene[1][:, :9], *scene[2:]]
    with pytest.raises(ValueError, match="at least 36"):
        renderer(*short)


def test_an_empty_batch_renders_to_an_empty_batch():
    vertices, triangles = height_field(4)
    scene = [tensor[:0] for tensor in random_scene(vertices, 1)]
    assert Renderer(triangles, 8)(*scene).image.shape == (0, 3, 8, 8)
