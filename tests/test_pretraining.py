"""The training of the shipped weights, on a handful of noise photographs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from focsbench.data.aligned import AlignedArrays
from focsbench.focs.build import build_autoencoder, build_recognizer
from focsbench.focs.config import FocsConfig
from focsbench.focs.presets import load_preset, pretraining
from focsbench.focs.pretraining import (
    black_out,
    train_encoder,
    train_recognition,
)
from focsbench.networks.recognition import RecognitionNetwork

SIZE = 96


@pytest.fixture(scope="module")
def people() -> AlignedArrays:
    """Two people, eight photographs each: a constant colour per person under noise."""
    rng = np.random.default_rng(0)
    subjects = np.repeat([0, 1], 8).astype(np.int32)
    colours = np.array([[200, 60, 60], [60, 60, 200]])[subjects]
    noise = rng.integers(-20, 20, (16, SIZE, SIZE, 3))
    landmarks = np.stack([48 + 14 * np.cos(np.arange(68)), 48 + 14 * np.sin(np.arange(68))], axis=1)
    return AlignedArrays(
        images=(colours[:, None, None] + noise).astype(np.uint8),
        landmarks=np.tile(landmarks, (16, 1, 1)).astype(np.float32),
        masks=np.ones((16, SIZE, SIZE), dtype=bool),
        subjects=subjects,
    )


def verification_margin(network: RecognitionNetwork, data: AlignedArrays) -> dict[str, float]:
    """Mean cosine of photographs of the same and of different people."""
    with torch.no_grad():
        images = torch.from_numpy(data.images).permute(0, 3, 1, 2).float() / 255
        embeddings = network.embed(images, torch.from_numpy(data.landmarks))
    cosines = (embeddings @ embeddings.T).numpy()
    same = data.subjects[:, None] == data.subjects
    off_diagonal = ~np.eye(len(data), dtype=bool)
    return {
        "same": float(cosines[same & off_diagonal].mean()),
        "different": float(cosines[~same].mean()),
    }


def tiny() -> FocsConfig:
    return pretraining().with_changes(
        {
            "batch_size": 4,
            "init_optimizer": {"ramp_iterations": 0},
            "encoder": {"widths": [4, 6, 8, 8], "hidden": 16},
            "recognition": {"widths": [4, 6, 8, 8], "embedding": 8},
        },
    )


def test_black_out_leaves_a_third_whole_and_only_removes() -> None:
    images = torch.rand(600, 3, 24, 24) + 0.1
    masked = black_out(images, torch.Generator().manual_seed(0))
    kept = masked == images
    assert torch.equal(kept, masked != 0)
    whole = kept.flatten(1).all(dim=1).float().mean()
    assert 0.25 < whole < 0.42


def test_recognition_learns_to_tell_people_apart(people: AlignedArrays) -> None:
    network, log = train_recognition(people, tiny(), iterations=40, seed=0)
    margin = verification_margin(network, people)
    assert margin["same"] > margin["different"]
    assert log[-1]["arcface"] < log[0]["arcface"]
    assert log[-1].keys() >= {"arcface", "accuracy"}


def test_encoder_keypoints_move_to_the_landmarks(people: AlignedArrays) -> None:
    config = tiny()
    network = build_autoencoder(config, "anny", 0)
    log = train_encoder(people, config, network, iterations=120, seed=0)
    assert log[-1]["keypoints"] < 0.7 * log[0]["keypoints"]


def test_shipped_weights_fit_the_quick_preset() -> None:
    """They load with their checksum, and the encoder answers a face in the middle."""
    config = load_preset("quick")
    network = build_autoencoder(config, "anny", 0).eval()
    build_recognizer(config)
    with torch.no_grad():
        decoded = network(torch.full((1, 3, SIZE, SIZE), 0.5))
    assert torch.isfinite(decoded.landmarks).all()
    assert (decoded.landmarks.mean(dim=1) - SIZE / 2).abs().max() < SIZE / 4
