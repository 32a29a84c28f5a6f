"""Camera, light and normals against the method's golden numbers and naive formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rendering_support import height_field
from scipy.special import sph_harm_y

from focsbench.rendering.camera import focal_length, project, rotation_matrix, transform
from focsbench.rendering.normals import vertex_normals
from focsbench.rendering.spherical_harmonics import (
    AMBIENT,
    direction_from_angles,
    sh_basis,
    shade,
)

ZERO = torch.zeros(1, 3, dtype=torch.float64)
angle = st.floats(-3, 3)


def test_zero_pose_flips_y_and_z_and_stands_a_metre_away():
    torch.testing.assert_close(
        rotation_matrix(ZERO)[0], torch.diag(torch.tensor([1.0, -1, -1])).double()
    )
    origin = transform(torch.zeros(1, 1, 3).double(), ZERO, ZERO)
    assert origin.tolist() == [[[0, 0, 1000]]]


@pytest.mark.parametrize("point", [(0, 0, 0), (30, -20, 50), (-80, 90, -40)])
def test_projection_at_zero_pose(point):
    x, y, z = point
    camera = transform(torch.tensor([[point]]).double(), ZERO, ZERO)
    u, v = project(camera, 224)[0, 0].tolist()
    assert u == pytest.approx(111.5 + 1014.72 * x / (1000 - z), abs=1e-9)
    assert v == pytest.approx(111.5 - 1014.72 * y / (1000 - z), abs=1e-9)


def test_camera_scales_with_the_image():
    assert focal_length(224) == pytest.approx(1014.72)
    camera = transform(torch.tensor([[[30.0, -20, 50]]]), ZERO.float(), ZERO.float())
    # Pixel edges, not centres, scale: shift by half a pixel first.
    torch.testing.assert_close((project(camera, 96) + 0.5) / 96, (project(camera, 224) + 0.5) / 224)


@given(angle, angle, angle)
def test_rotation_is_the_product_of_elementary_ones(rx, ry, rz):
    def elementary(axis, value):
        matrix, (i, j) = np.eye(3), [(1, 2), (2, 0), (0, 1)][axis]
        matrix[i, i] = matrix[j, j] = np.cos(value)
        matrix[i, j], matrix[j, i] = -np.sin(value), np.sin(value)
        return matrix

    expected = np.diag([1, -1, -1]) @ elementary(0, rx) @ elementary(1, ry) @ elementary(2, rz)
    actual = rotation_matrix(torch.tensor([[rx, ry, rz]], dtype=torch.float64))[0].numpy()
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    np.testing.assert_allclose(actual @ actual.T, np.eye(3), atol=1e-12)


def test_basis_facing_the_camera():
    basis = sh_basis(torch.tensor([0.0, 0, -1]))
    golden = [0.282095, 0, -0.488603, 0, 0, 0, 0.630783, 0, 0]
    torch.testing.assert_close(basis, torch.tensor(golden), atol=1e-6, rtol=0)


def real_harmonics(theta, phi):
    """The nine functions in angle form, with scipy's complex harmonics."""
    values = []
    for degree in range(3):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), theta, phi)
            part = value.imag if order < 0 else value.real
            values.append(part if order == 0 else np.sqrt(2) * part)
    return np.stack(values, axis=-1)


def test_basis_is_the_angle_form_of_the_direction():
    normals = torch.nn.functional.normalize(
        torch.randn(50, 3, generator=torch.Generator().manual_seed(0)).double(), dim=-1
    )
    x, y, z = normals.numpy().T
    expected = real_harmonics(np.arccos(z), np.arctan2(y, x))
    np.testing.assert_allclose(sh_basis(normals).numpy(), expected, atol=1e-12)


def test_released_angle_form_of_shortened_normals():
    normals = 0.9 * torch.randn(50, 3, generator=torch.Generator().manual_seed(1)).double()
    normals = normals / normals.norm(dim=-1, keepdim=True).clamp_min(1)
    x, y, z = normals.numpy().T
    expected = real_harmonics(np.arccos(z), np.arctan2(y, x))
    actual = sh_basis(direction_from_angles(normals)).numpy()
    np.testing.assert_allclose(actual, expected, atol=1e-9)


@pytest.mark.parametrize("pole", [[0.0, 0, -1], [0.0, 0, 1], [0.0, 0, -0.9], [0.0, 0, 0]])
def test_released_angle_form_has_finite_gradients_at_the_poles(pole):
    normal = torch.tensor(pole, requires_grad=True)
    sh_basis(direction_from_angles(normal)).sum().backward()
    assert normal.grad is not None
    assert normal.grad.isfinite().all()


def test_no_light_means_the_ambient_gain():
    assert pytest.approx(4.398230, abs=1e-6) == AMBIENT
    generator = torch.Generator().manual_seed(0)
    normals = torch.nn.functional.normalize(torch.randn(2, 9, 3, generator=generator), dim=-1)
    albedo = torch.rand(2, 9, 3, generator=generator)
    shaded = shade(albedo, normals, torch.zeros(2, 27))
    torch.testing.assert_close(shaded, 1.240718 * albedo, atol=1e-6, rtol=1e-6)


def test_light_layout_is_red_green_blue():
    light = torch.zeros(1, 27)
    light[0, 9 + 2] = 1.0  # green, the function of z
    shaded = shade(torch.ones(1, 1, 3), torch.tensor([[[0.0, 0, -1]]]), light)[0, 0]
    gain = 1.240718
    torch.testing.assert_close(
        shaded, torch.tensor([gain, gain - 0.488603, gain]), atol=1e-5, rtol=0
    )


def naive_normals(vertices, triangles):
    """Sums of area-weighted normals and of areas (both doubled), vertex by vertex."""
    sums, areas = np.zeros_like(vertices), np.zeros(len(vertices))
    for triangle in triangles:
        a, b, c = vertices[triangle]
        normal = np.cross(b - a, c - a)
        for corner in triangle:
            sums[corner] += normal
            areas[corner] += np.linalg.norm(normal)
    return sums, areas


def test_vertex_normals_against_a_loop():
    vertices, triangles = height_field(6)
    sums, areas = naive_normals(vertices.numpy(), triangles.numpy())
    unit = vertex_normals(vertices[None], triangles)[0].numpy()
    np.testing.assert_allclose(unit, sums / np.linalg.norm(sums, axis=1, keepdims=True), atol=1e-12)
    mean = vertex_normals(vertices[None], triangles, renormalize=False)[0].numpy()
    np.testing.assert_allclose(mean, sums / areas[:, None], atol=1e-12)
    assert (unit[:, 2] > 0).all()  # the bump faces its viewer


def test_vertices_without_area_have_no_normal_and_no_nan():
    vertices = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 5, 5]]], requires_grad=True)
    for renormalize in (True, False):
        normals = vertex_normals(vertices, torch.tensor([[0, 1, 2]]), renormalize)
        assert (normals == 0).all()
        (gradient,) = torch.autograd.grad(normals.sum(), vertices)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("renormalize", [True, False])
def test_normal_gradients_against_finite_differences(renormalize):
    vertices, triangles = height_field(4)
    batch = vertices[None].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: vertex_normals(v, triangles, renormalize), batch)
