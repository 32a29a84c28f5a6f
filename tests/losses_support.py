"""Small random inputs for the loss tests, and a stand-in for the renderer's output."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from focsbench.networks.resnet import Latents


def random_fit(seed=0, batch=2, height=7, width=8, dtype=torch.float64):
    """Photograph, render, soft mask and region; the mask is 0 outside the region."""
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.rand(*shape, generator=generator, dtype=dtype)

    region = rand(batch, height, width) > 0.3
    return SimpleNamespace(
        target=rand(batch, 3, height, width),
        render=rand(batch, 3, height, width) * region[:, None],
        mask=rand(batch, height, width) * region,
        region=region,
    )


def random_latents(seed=0, batch=2):
    generator = torch.Generator().manual_seed(seed)
    blocks = [torch.randn(batch, n, generator=generator) for n in (80, 64, 80, 3, 3, 27)]
    return Latents(*(block.double().requires_grad_() for block in blocks))


class FakeRecognizer:
    """Differentiable and cheap: embeds coarse averages, returns the image as shallow features."""

    distance = "cosine"

    def __init__(self):
        self.seen = []

    def embed(self, images, landmarks):
        self.seen.append((images.detach().clone(), landmarks))
        pooled = images.mean(dim=2).flatten(1) + 0.1
        return torch.nn.functional.normalize(pooled, dim=1)

    def shallow(self, images, landmarks):
        self.seen.append((images.detach().clone(), landmarks))
        return images + 0.1
