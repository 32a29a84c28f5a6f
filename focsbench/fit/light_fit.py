"""Light of a rendered face by robust linear least squares: the image is linear in it."""

from __future__ import annotations

import torch
from torch import Tensor

from focsbench.focs.autoencoder import FaceDecoder
from focsbench.networks.resnet import LIGHT, Latents
from focsbench.rendering.spherical_harmonics import AMBIENT

ROUNDS = 6
TOLERANCE = 0.06  # colour error beyond which a pixel counts less (Cauchy), values in [0, 1]
FEWEST = 100.0  # pixels that have to be trusted
PRIOR = 1e-3  # pull towards light from everywhere, per pixel: half-hidden faces leave sides unseen


def fit_light(
    decoder: FaceDecoder, latents: Latents, images: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Return (1, 27) light under which the face looks most like the photograph.

    Args:
        decoder: draws at the size of the photograph.
        latents: of one face; its light is where the fit starts.
        images: (1, 3, S, S) in [0, 1].
        mask: (1, S, S) in [0, 1], how much a pixel counts; None for all alike.
    """
    with torch.no_grad():
        basis, region = _basis(decoder, latents)
        pixels = images[0][:, region]  # (3, P)
        trusted = torch.ones_like(pixels[0]) if mask is None else mask[0][region]
        if trusted.sum() < FEWEST:
            return latents.light
        light = latents.light.reshape(3, 9).clone()
        light[:, 0] += AMBIENT
        pull = PRIOR * torch.diag(torch.tensor([1e-3] + 8 * [1.0]))
        for _ in range(ROUNDS):
            error = (pixels - torch.einsum("ck,ckp->cp", light, basis)).norm(dim=0)
            weights = trusted / (1 + (error / TOLERANCE) ** 2)
            for channel in range(3):
                design = basis[channel]
                normal = (design * weights) @ design.T + weights.sum() * pull
                right = (design * weights) @ pixels[channel]
                light[channel] = torch.linalg.solve(normal, right)
        light[:, 0] -= AMBIENT
        return light.reshape(1, LIGHT)


def _basis(decoder: FaceDecoder, latents: Latents) -> tuple[Tensor, Tensor]:
    """Renders (3, 9, P) under each of the nine functions alone, and the region (S, S)."""
    alone = torch.eye(9).repeat(1, 3)  # (9, 27): the same function in every channel
    alone[:, [0, 9, 18]] -= AMBIENT  # which the renderer adds
    many = Latents(*(block.expand(9, -1) for block in latents))._replace(light=alone)
    decoded = decoder(many)
    region = decoded.region[0]
    return decoded.image[:, :, region].transpose(0, 1), region
