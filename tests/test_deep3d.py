"""Deep3D as a row: its order, camera and light by its own formulas. The weights in here are made
up, and a small ellipsoid stands for its face model; neither is the published one."""

import math

import numpy as np
import pytest
import torch
from weights_support import meta

from focsbench.baselines import deep3d as row
from focsbench.errors import ConfigError
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.networks.deep3d import HEADS, Deep3DCoefficients, Deep3DEncoder
from focsbench.profiles.profile import load_profile
from focsbench.rendering import deep3d
from focsbench.rendering.spherical_harmonics import sh_basis
from focsbench.runs.pipeline import build_plan
from focsbench.types import BaselineContext, Sample
from focsbench.weights.importer import import_weights


def ellipsoid(rows: int = 12, columns: int = 16) -> MorphableModel:
    """A closed surface of 200 x 240 x 160 mm with modes of the sizes of Deep3D."""
    rng = np.random.default_rng(0)
    polar = np.linspace(0.05, math.pi - 0.05, rows)
    around = np.linspace(0, 2 * math.pi, columns, endpoint=False)
    theta, phi = (grid.ravel() for grid in np.meshgrid(polar, around, indexing="ij"))
    points = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], 1)
    triangles = []
    for r in range(rows - 1):
        for c in range(columns):
            a, b = r * columns + c, r * columns + (c + 1) % columns
            triangles += [(a, a + columns, b), (b, a + columns, b + columns)]
    count = len(points)
    modes = {name: rng.normal(size=(size, count, 3)) for name, size in
             (("identity", 80), ("expression", 64), ("albedo", 80))}  # fmt: skip
    return MorphableModel(
        name="ellipsoid",
        mean_shape=(points * [100, 120, 80]).astype(np.float32),
        identity_basis=modes["identity"].astype(np.float32),
        expression_basis=modes["expression"].astype(np.float32),
        mean_albedo=np.full((count, 3), 0.5, dtype=np.float32),
        albedo_basis=(modes["albedo"] * 0.01).astype(np.float32),
        triangles=np.array(triangles, dtype=np.int32),
        landmarks68=np.arange(68),
        landmarks7=np.arange(7),
        regions={"face": np.ones(count, dtype=bool)},
        expression_names=tuple(map(str, range(64))),
    )


def coefficients(batch=1, **blocks):
    sizes = {"identity": 80, "expression": 64, "albedo": 80, "angles": 3, "light": 27,
             "translation": 3}  # fmt: skip
    zeros = {name: torch.zeros(batch, size) for name, size in sizes.items()}
    return Deep3DCoefficients(**{**zeros, **blocks})


def test_the_network_has_the_published_size_and_order():
    with torch.device("meta"):
        network = Deep3DEncoder()
    assert sum(p.numel() for p in network.parameters()) == 24_034_625
    names = network.state_dict()
    assert names["final_layers.4.weight"].shape == (27, 2048, 1, 1)
    assert not any(name.startswith("backbone.fc") for name in names)
    heads = torch.nn.ModuleList([torch.nn.Conv2d(2048, size, 1) for size in HEADS])
    for place, head in enumerate(heads):
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.constant_(head.bias, float(place))
    network.final_layers = heads
    network.backbone = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
                                           torch.nn.Linear(3, 2048))  # fmt: skip
    found = network(torch.rand(2, 3, 8, 8))
    assert [block.shape[1] for block in found] == [80, 64, 80, 3, 27, 3]
    assert [block[1, 0].item() for block in found] == [0, 1, 2, 3, 4, 5]
    assert found.translation[0].tolist() == [5, 5, 6]


def test_the_rotation_is_about_x_then_y_then_z():
    x, y, z = 0.3, -0.5, 0.2
    about_x = [[1, 0, 0], [0, math.cos(x), -math.sin(x)], [0, math.sin(x), math.cos(x)]]
    about_y = [[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]]
    about_z = [[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]]
    expected = np.array(about_z) @ np.array(about_y) @ np.array(about_x)
    found = deep3d.rotation_matrix(torch.tensor([[x, y, z]], dtype=torch.float64))[0]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_the_camera_is_deep3ds():
    """u = 1015 X / (10 - Z) from the middle, v likewise upwards; decimetres."""
    model = ellipsoid()
    angles, move = torch.tensor([[0.1, -0.2, 0.3]]), torch.tensor([[0.2, -0.1, 0.4]])
    shown = row.Deep3DDecoder(model, 224)(coefficients(angles=angles, translation=move))
    points = torch.as_tensor(model.mean_shape).double() / 100
    points = points @ deep3d.rotation_matrix(angles.double())[0].T + move.double()
    depth = 10 - points[:, 2]
    u, v = (1015 * points[:, 0] / depth, 1015 * points[:, 1] / depth)
    expected = torch.stack([111.5 + u, 111.5 - v], dim=1)
    torch.testing.assert_close(shown.uv[0].double(), expected, atol=1e-3, rtol=0)


def test_the_light_has_the_published_factors():
    assert pytest.approx(0.886227, abs=1e-6) == deep3d.BAND0
    assert pytest.approx(1.772454, abs=1e-6) == deep3d.BAND1
    assert pytest.approx(2.427032, abs=1e-6) == deep3d.BAND2
    normals = torch.nn.functional.normalize(torch.randn(50, 3, dtype=torch.float64), dim=1)
    factors = [math.pi, *3 * [2 * math.pi / math.sqrt(3)], *5 * [2 * math.pi / math.sqrt(8)]]
    expected = sh_basis(normals) * torch.tensor(factors, dtype=torch.float64)
    torch.testing.assert_close(deep3d.basis(normals), expected)


def test_normals_are_sums_of_unit_normals():
    model = ellipsoid()
    vertices = model.mean_shape.astype(np.float64)
    expected = np.zeros_like(vertices)
    for triangle in model.triangles:
        a, b, c = vertices[triangle]
        normal = np.cross(b - a, c - a)
        for corner in triangle:
            expected[corner] += normal / np.linalg.norm(normal)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    triangles = torch.as_tensor(model.triangles)
    found = deep3d.vertex_normals(torch.as_tensor(vertices)[None], triangles)[0]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)
    assert (found.numpy() * vertices).sum(1).min() > 0  # outward


def test_colours_are_those_of_the_light_and_light_comes_from_the_world():
    model = ellipsoid()
    decoder = row.Deep3DDecoder(model, 64)
    plain = decoder(coefficients())
    inside = plain.image[0][:, plain.region[0]]
    torch.testing.assert_close(inside, torch.full_like(inside, 0.5 * 0.8 * deep3d.BAND0))
    light = torch.zeros(1, 27)
    light[0, 1], light[0, 9 + 2], light[0, 18 + 3] = -0.4, 0.3, -0.4  # from above, front, +x
    lit = decoder(coefficients(light=light)).image[0]
    assert lit[0, 20, 32] > lit[0, 44, 32] + 0.05
    assert lit[1, 32, 32] > inside[1, 0] + 0.1
    assert lit[2, 32, 44] > lit[2, 32, 20] + 0.05
    turned = decoder(coefficients(light=light, angles=torch.tensor([[0.0, 0.0, math.pi]]))).image[0]
    assert turned[0, 20, 32] > turned[0, 44, 32] + 0.05  # the light does not turn with the head


def test_all_coefficients_have_gradients():
    rng = torch.Generator().manual_seed(0)
    blocks = {name: (torch.randn(1, block.shape[1], generator=rng) * 0.1).requires_grad_()
              for name, block in coefficients()._asdict().items()}  # fmt: skip
    row.Deep3DDecoder(ellipsoid(), 64)(Deep3DCoefficients(**blocks)).image.square().sum().backward()
    assert all(block.grad.abs().max() > 0 for block in blocks.values())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A file of the published names and shapes that answers the same for every photograph."""
    state = {
        n: torch.zeros(v.shape, dtype=v.dtype) for n, v in meta(Deep3DEncoder).state_dict().items()
    }
    state["final_layers.0.bias"][0] = 2.0
    state["final_layers.5.bias"][:] = torch.tensor([0.1, 0.0])
    path = tmp_path_factory.mktemp("deep3d") / "epoch_20.pth"
    torch.save({"net_recon": state, "opt_00": {"state": {}}, "sched_00": {}}, path)
    return path


def test_the_row_reconstructs(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path))
    import_weights(checkpoint)
    model = ellipsoid()
    monkeypatch.setattr(row, "load_face_model", lambda name, file: model)
    baseline = row.Deep3D(BaselineContext(face_model="anny", image_size=64))
    image = np.zeros((64, 64, 3), dtype=np.float32)
    samples = [Sample(str(n), "s", "all", image, np.zeros((68, 2), np.float32)) for n in range(2)]
    first, second = baseline.reconstruct(samples)
    expected = model.mean_shape + 2 * model.identity_basis[0]
    np.testing.assert_allclose(first.neutral.vertices, expected, rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(second.neutral.vertices, first.neutral.vertices)
    np.testing.assert_array_equal(first.landmarks7, first.neutral.vertices[model.landmarks7])
    assert first.render.shape == (64, 64, 3)
    assert first.region.mean() > 0.2
    assert first.visible is None
    columns = np.flatnonzero(first.region.any(axis=0))
    assert 0.5 * (columns[0] + columns[-1]) > 32.5  # moved 10 mm towards the subject's left
    assert first.parameters["translation"][0] == pytest.approx(0.1)


def step_of(*changes):
    chosen = ['methods=["deep3d"]', 'protocols=["ar_rmse"]', "reports=[]"]
    plan = build_plan(load_profile("smoke", [*chosen, *changes]))
    return next(step for step in plan.steps if step.name == "predict:deep3d:ar")


def test_what_is_missing_is_said_before_anything_runs(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"row deep3d needs the weights 'deep3d', .* weights import"
    ):
        step_of()
    import_weights(checkpoint, "mine")
    with pytest.raises(ConfigError, match=r"BFM_model_front\.mat .*rows\.deep3d\.face_model_file"):
        step_of("rows.deep3d.weights=mine")
    file = tmp_path / "BFM_model_front.mat"
    file.write_bytes(b"one")
    changes = ("rows.deep3d.weights=mine", f"rows.deep3d.face_model_file={file}")
    step = step_of(*changes)
    assert step.config["row"]["weights"].startswith("mine@")
    assert step.config["row"]["face_model_file"] == str(file)
    file.write_bytes(b"two")
    other = step_of(*changes)
    assert other.config["row"] != step.config["row"]
