"""Closed-form alignment of corresponding points (orthogonal Procrustes analysis)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.types import FloatArray


@dataclass(frozen=True)
class Similarity:
    """The map ``x = scale * rotation @ y + translation`` of column vectors.

    ``rotation`` is (3, 3) orthogonal; its determinant is -1 where a mirror image was allowed and
    matched better. ``translation`` is (3,).
    """

    scale: float
    rotation: FloatArray
    translation: FloatArray

    def apply(self, points: FloatArray) -> FloatArray:
        """Map (N, 3) points (one per row)."""
        return self.scale * points @ self.rotation.T + self.translation

    @property
    def is_mirror(self) -> bool:
        """Whether the map turns a left hand into a right hand."""
        return bool(np.linalg.det(self.rotation) < 0)


def procrustes(
    source: FloatArray,
    target: FloatArray,
    *,
    with_scale: bool = True,
    allow_reflection: bool = False,
    weights: FloatArray | None = None,
) -> Similarity:
    """Find the map of ``source`` onto ``target`` with the least sum of squared distances.

    Args:
        source, target: (N, 3) corresponding points, one per row, N >= 3. The arithmetic stays in
            their common precision, as that of the reference evaluation of NoW does.
        with_scale: estimate the scale (similarity); else it is 1 (rigid).
        allow_reflection: accept a mirror image where it fits better (the NoW rule).
        weights: (N,) of the squared distances, not negative; None for equal ones.

    Raises:
        ValueError: if the shapes differ, a value is not finite, the points of one set coincide, or
            no weight is positive.

    Source: Schönemann 1966 with the scale of Gower 1975.
    """
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 3:
        raise ValueError(f"expected two (N, 3) point sets, got {source.shape} and {target.shape}")
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("a point has a coordinate that is not finite")
    if weights is None:
        source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
        source_centred, target_centred = source - source_mean, target - target_mean
    else:
        if not weights.sum() > 0:
            raise ValueError("no point has a positive weight")
        share = weights / weights.sum()
        source_mean, target_mean = share @ source, share @ target
        root = np.sqrt(share)[:, None]
        source_centred = root * (source - source_mean)
        target_centred = root * (target - target_mean)
    source_size, target_size = np.linalg.norm(source_centred), np.linalg.norm(target_centred)
    if min(source_size, target_size) == 0:
        raise ValueError("the points of one set coincide")
    u, singular_values, vt = np.linalg.svd(
        (target_centred / target_size).T @ (source_centred / source_size)
    )
    if not allow_reflection and np.linalg.det(u @ vt) < 0:
        # The least harmful way to a proper rotation is to flip the weakest direction.
        u[:, -1] *= -1
        singular_values[-1] *= -1
    rotation = u @ vt
    scale = singular_values.sum() * target_size / source_size if with_scale else 1.0
    return Similarity(
        scale=float(scale),
        rotation=rotation,
        translation=target_mean - scale * rotation @ source_mean,
    )
