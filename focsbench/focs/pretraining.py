"""The small weights that ship with the package, trained on the generator's own people.

What the paper takes from ImageNet (the start of the encoder) and from ArcFace (the recognition
network), the ``quick`` profile takes from here. The photographs come from a seed of their own, so
none of these people appears in any benchmark. Only labels of weak supervision are used: noisy
landmarks for the encoder, identity numbers for the recognition network. No occlusion labels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from focsbench.data.aligned import AlignedArrays
from focsbench.focs.autoencoder import FaceAutoencoder
from focsbench.focs.batches import BatchStream, training_batches
from focsbench.focs.config import FocsConfig, OptimizerConfig
from focsbench.focs.loop import run_iterations
from focsbench.focs.losses import reconstruction_loss
from focsbench.focs.masks import threshold_mask
from focsbench.focs.reconstruction_losses import landmark_loss
from focsbench.focs.schedule import build_optimizer
from focsbench.focs.seeding import iteration_seed, seeded
from focsbench.focs.training import update
from focsbench.networks.recognition import ArcFaceHead, RecognitionNetwork
from focsbench.networks.resnet import FaceEncoder

RECOGNITION_BATCH = 64
RECOGNITION_OPTIMIZER = OptimizerConfig(
    name="adam", learning_rate=2e-3, schedule="cosine", ramp_iterations=50
)


def train_recognition(
    data: AlignedArrays,
    config: FocsConfig,
    iterations: int,
    seed: int,
) -> tuple[RecognitionNetwork, list[dict[str, float]]]:
    """Train F to tell the training people apart (ArcFace loss).

    Random rectangles are blacked out, because the losses show F masked faces.

    Returns:
        The network in evaluation mode and the training log.
    """
    with seeded(seed):
        network = RecognitionNetwork(config.recognition)
        head = ArcFaceHead(config.recognition.embedding, int(data.subjects.max()) + 1)
    parameters = [*network.parameters(), *head.parameters()]
    optimizer = build_optimizer(RECOGNITION_OPTIMIZER, parameters)
    stream = BatchStream(data, RECOGNITION_BATCH, config.augmentation, seed)
    network.train()

    def step(iteration: int) -> dict[str, float]:
        batch = stream(iteration)
        generator = torch.Generator().manual_seed(iteration_seed(seed, 5, iteration))
        crops = network.crop(black_out(batch.images, generator), batch.landmarks)
        labels = torch.from_numpy(data.subjects[stream.members(iteration)]).long()
        embeddings = network.embed_crops(crops)
        loss = head(embeddings, labels)
        update(optimizer, loss, RECOGNITION_OPTIMIZER, iteration, iterations)
        with torch.no_grad():
            hits = (head.logits(embeddings).argmax(1) == labels).float().mean()
        return {"arcface": float(loss.detach()), "accuracy": float(hits)}

    log = run_iterations("recognition network", iterations, step, None, config.checkpoint_every)
    return network.eval(), log


def black_out(images: Tensor, generator: torch.Generator) -> Tensor:
    """Set a random rectangle of two thirds of the images (B, 3, S, S) to black."""
    count, _, size, _ = images.shape
    low, high = 0.15, 0.55  # sides as fractions of the image
    sides = low + (high - low) * torch.rand(count, 2, generator=generator)
    corners = torch.rand(count, 2, generator=generator) * (1 - sides)
    chosen = torch.rand(count, generator=generator) < 2 / 3
    grid = (torch.arange(size) + 0.5) / size
    inside = (grid >= corners[..., None]) & (grid < (corners + sides)[..., None])  # (B, 2, S)
    hole = inside[:, 0, :, None] & inside[:, 1, None, :] & chosen[:, None, None]
    return images * (~hole)[:, None]


def train_encoder(
    data: AlignedArrays,
    config: FocsConfig,
    autoencoder: FaceAutoencoder,
    iterations: int,
    seed: int,
) -> list[dict[str, float]]:
    """Train R's encoder by landmarks and by the pixels that a robust fit explains (Eq. 8-9).

    Its keypoints learn the same landmarks directly, which teaches the layers below where to look
    long before the face model explains anything.
    """
    encoder = autoencoder.encoder
    assert isinstance(encoder, FaceEncoder)
    optimizer = build_optimizer(config.init_optimizer, encoder.parameters())
    stream = training_batches(data, config, seed)
    mask = threshold_mask(config)
    encoder.train()

    def step(iteration: int) -> dict[str, float]:
        batch = stream(iteration)
        latents, keypoints = encoder.with_keypoints(batch.images)
        decoded = autoencoder.decoder(latents)
        loss = reconstruction_loss(
            config.reconstruction,
            batch.images,
            batch.landmarks,
            decoded,
            mask(batch.images, decoded),
            None,
            config.initialisation,
        )
        placed = landmark_loss(batch.landmarks, keypoints, config.reconstruction)
        total = loss.total + config.reconstruction.lambda_landmark * placed
        update(optimizer, total, config.init_optimizer, iteration, iterations)
        terms = {name: float(value) for name, value in loss.terms.items()}
        return {**terms, "keypoints": float(placed.detach())}

    return run_iterations("encoder", iterations, step, None, config.checkpoint_every)
