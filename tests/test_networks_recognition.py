from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks_support import parameter_count
from torch import nn

from focsbench.networks.config import RecognitionConfig
from focsbench.networks.face_crop import ARCFACE_TEMPLATE, face_crop, five_points, template
from focsbench.networks.iresnet import IResNet
from focsbench.networks.iresnet_shapes import IRESNETS
from focsbench.networks.recognition import ArcFaceHead, RecognitionNetwork
from focsbench.networks.warp import invert_similarity, resample, similarity

SMALL = RecognitionConfig(architecture="small", crop_size=64, embedding=128)


def test_iresnet50_is_the_published_one():
    with torch.device("meta"):
        net = IResNet(IRESNETS[50])
        assert parameter_count(net) == 43_590_848
        assert net.shallow(torch.empty(2, 3, 112, 112)).shape == (2, 64, 56, 56)
        assert net.eval().deep(torch.empty(2, 64, 56, 56)).shape == (2, 512)
    names = set(net.state_dict())
    assert {"conv1.weight", "prelu.weight", "layer3.13.bn3.bias", "features.running_var"} <= names
    assert "layer1.0.downsample.1.weight" in names
    assert "layer1.1.downsample.0.weight" not in names
    assert net.fc.weight.shape == (512, 25_088)
    assert not net.features.weight.requires_grad


def naive_umeyama(source, destination):
    """Umeyama 1991 by singular value decomposition, one point set."""
    source_mean, target_mean = source.mean(0), destination.mean(0)
    p, q = source - source_mean, destination - target_mean
    u, d, vt = np.linalg.svd(q.T @ p / len(p))
    sign = np.diag([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / (p**2).sum(1).mean()
    offset = target_mean - scale * rotation @ source_mean
    return np.hstack([scale * rotation, offset[:, None]])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_similarity_is_umeyamas(seed):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(3, 5, 2)) * 20 + 50
    destination = rng.normal(size=(5, 2)) * 10 + 30
    found = similarity(torch.from_numpy(source), torch.from_numpy(destination)).numpy()
    expected = np.stack([naive_umeyama(points, destination) for points in source])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_degenerate_landmarks_give_the_identity():
    points = torch.zeros(3, 5, 2)
    points[0] = 7.0  # all the same
    points[1] = torch.nan
    points[2] = torch.tensor(ARCFACE_TEMPLATE)
    found = similarity(points, template(112, points))
    identity = torch.eye(2, 3)
    for matrix in found:
        torch.testing.assert_close(matrix, identity, atol=1e-4, rtol=0)


def test_an_inverted_similarity_undoes_it():
    matrix = torch.tensor([[[0.8, -0.3, 5.0], [0.3, 0.8, -2.0]], [[-0.5, 0.1, 0], [0.1, 0.5, 3]]])
    points = torch.rand(2, 6, 2)
    there = points @ matrix[:, :, :2].transpose(1, 2) + matrix[:, None, :, 2]
    inverse = invert_similarity(matrix)
    back = there @ inverse[:, :, :2].transpose(1, 2) + inverse[:, None, :, 2]
    torch.testing.assert_close(back, points)


def test_the_template_scales_with_the_pixels():
    points = template(56, torch.zeros(1))
    torch.testing.assert_close(template(112, points), torch.tensor(ARCFACE_TEMPLATE))
    # half as many pixels over the same square: the outer border stays the border
    torch.testing.assert_close((points + 0.5) * 2 - 0.5, torch.tensor(ARCFACE_TEMPLATE))


def naive_resample(image, matrix, height, width):
    channels, rows, columns = image.shape
    result = np.zeros((channels, height, width))
    for v in range(height):
        for u in range(width):
            x, y = matrix @ [u, v, 1.0]
            x0, y0 = math.floor(x), math.floor(y)
            for dy in (0, 1):
                for dx in (0, 1):
                    px, py = x0 + dx, y0 + dy
                    weight = (1 - abs(x - px)) * (1 - abs(y - py))
                    if 0 <= px < columns and 0 <= py < rows:
                        result[:, v, u] += weight * image[:, py, px]
    return result


def test_resampling_is_bilinear_with_zeros_outside():
    rng = np.random.default_rng(0)
    images = rng.random((2, 3, 7, 9))
    matrices = np.array([[[0.9, -0.2, 1.3], [0.3, 1.1, -0.7]], [[1.0, 0, 2], [0, 1, 3]]])
    found = resample(torch.from_numpy(images), torch.from_numpy(matrices), 6, 8).numpy()
    for index in range(2):
        expected = naive_resample(images[index], matrices[index], 6, 8)
        np.testing.assert_allclose(found[index], expected, atol=1e-9)


def plausible_landmarks(size, seed=0):
    """(1, 68, 2) landmarks whose five points form a face, slightly rotated."""
    generator = torch.Generator().manual_seed(seed)
    landmarks = torch.rand(1, 68, 2, generator=generator) * size
    for indices, point in zip(
        ([36, 39], [42, 45], [30], [48], [54]),
        [(0.36, 0.40), (0.64, 0.43), (0.50, 0.56), (0.38, 0.70), (0.61, 0.72)],
        strict=True,
    ):
        landmarks[0, indices] = torch.tensor(point) * size
    return landmarks


def test_five_points_are_eye_centres_nose_and_mouth_corners():
    landmarks = torch.arange(136.0).reshape(1, 68, 2)
    expected = [landmarks[0, [36, 39]].mean(0), landmarks[0, [42, 45]].mean(0)]
    expected += [landmarks[0, 30], landmarks[0, 48], landmarks[0, 54]]
    torch.testing.assert_close(five_points(landmarks)[0], torch.stack(expected))


@pytest.mark.parametrize("crop_size", [64, 112])
def test_the_crop_puts_the_five_points_on_the_template(crop_size):
    landmarks = plausible_landmarks(96)
    ys, xs = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    for point, wanted in zip(
        five_points(landmarks)[0], template(crop_size, landmarks), strict=True
    ):
        dot = torch.exp(-((xs - point[0]) ** 2 + (ys - point[1]) ** 2) / 8)[None, None]
        crop = face_crop(dot, landmarks, crop_size)[0, 0]
        v, u = torch.meshgrid(
            torch.arange(float(crop_size)), torch.arange(float(crop_size)), indexing="ij"
        )
        found = torch.stack([(crop * u).sum(), (crop * v).sum()]) / crop.sum()
        # a similarity cannot match five points exactly
        assert torch.linalg.vector_norm(found - wanted) < 0.04 * crop_size


def test_gradients_reach_the_image_but_not_the_landmarks():
    net = RecognitionNetwork(SMALL).freeze()
    image = torch.rand(1, 3, 96, 96, requires_grad=True)
    landmarks = plausible_landmarks(96).requires_grad_()
    net.embed(image, landmarks).sum().backward()
    assert landmarks.grad is None
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in net.parameters())


def test_broken_landmarks_still_give_finite_embeddings():
    net = RecognitionNetwork(SMALL).freeze()
    for value in (0.0, float("nan"), float("inf")):
        landmarks = torch.full((2, 68, 2), value)
        embedding = net.embed(torch.rand(2, 3, 96, 96), landmarks)
        assert embedding.isfinite().all()


@pytest.mark.parametrize(("input_range", "black"), [("signed", -1.0), ("unit", 0.0)])
def test_the_input_range_is_the_configured_one(input_range, black):
    net = RecognitionNetwork(SMALL.model_copy(update={"input_range": input_range}))
    landmarks = plausible_landmarks(96)
    assert net.crop(torch.zeros(1, 3, 96, 96), landmarks).unique().tolist() == [black]
    crop = net.crop(torch.ones(1, 3, 96, 96), landmarks)
    assert crop.max() == pytest.approx(1.0, abs=1e-5)
    assert crop.min() >= black


def test_embeddings_have_unit_length_and_shallow_features_are_a_map():
    net = RecognitionNetwork(SMALL).freeze()
    images, landmarks = torch.rand(2, 3, 96, 96), plausible_landmarks(96).expand(2, -1, -1)
    embedding = net(images, landmarks)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))
    assert embedding.shape == (2, 128)
    assert net.shallow(images, landmarks).shape == (2, 16, 32, 32)


def test_a_frozen_network_stays_in_evaluation():
    net = RecognitionNetwork(SMALL).freeze()
    assert not net.training
    assert not any(parameter.requires_grad for parameter in net.parameters())
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert norms
    assert not any(layer.training for layer in norms)


def naive_arcface(embeddings, weights, labels, scale, margin):
    total = 0.0
    for row, label in zip(embeddings, labels, strict=True):
        scores = []
        for index, weight in enumerate(weights):
            cosine = row @ weight / (np.linalg.norm(row) * np.linalg.norm(weight))
            if index == label:
                angle = math.acos(cosine)
                if angle < math.pi - margin:
                    cosine = math.cos(angle + margin)
                else:
                    cosine -= margin * math.sin(margin)
            scores.append(scale * cosine)
        total += np.log(np.exp(scores).sum()) - scores[label]
    return total / len(labels)


def test_the_arcface_loss_is_the_textbook_one():
    rng = np.random.default_rng(2)
    head = ArcFaceHead(6, 4, scale=8.0, margin=0.4).double()
    embeddings, labels = rng.normal(size=(5, 6)), np.array([0, 1, 2, 3, 1])
    weights = head.weight.detach().numpy()
    embeddings[0] = -weights[0] + 0.01 * rng.normal(size=6) * np.linalg.norm(
        weights[0]
    )  # angle ~ pi
    found = head(torch.from_numpy(embeddings), torch.from_numpy(labels))
    expected = naive_arcface(embeddings, weights, labels, 8.0, 0.4)
    assert float(found.detach()) == pytest.approx(expected, rel=1e-5)


def test_the_margin_makes_the_task_harder():
    torch.manual_seed(0)
    head = ArcFaceHead(8, 5, margin=0.3)
    embeddings, labels = torch.randn(10, 8), torch.randint(0, 5, (10,))
    plain = torch.nn.functional.cross_entropy(head.logits(embeddings), labels)
    assert head(embeddings, labels) > plain
    head.margin = 0.0
    torch.testing.assert_close(head(embeddings, labels), plain)
