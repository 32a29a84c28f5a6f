"""Smooth displacement fields in space, as a Gaussian process prior with few coefficients.

A field is ``u(x) = basis(x) @ coefficients`` with (K, 3) coefficients that are independent and
standard normal before anything is observed; a field is as likely as its coefficients are small.
The covariance between two places is a sum of Gaussians of their distance, from wide and strong
(proportions of a head) to narrow and weak (the shape of a nostril), cut to its strongest modes.

Source: Lüthi et al., "Gaussian process morphable models", PAMI 2018; the low-rank form is the
Nyström method (Williams and Seeger, NIPS 2001).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from focsbench.types import FloatArray, IntArray

# Standard deviation of each axis of the displacement (mm) that a width contributes. Widths halve,
# so that one exponential serves them all: exp(-4 d) is the fourth power of exp(-d).
WIDEST_MM = 100.0
AMPLITUDES_MM = (8.0, 4.0, 2.0, 1.0)  # at 100, 50, 25 and 12.5 mm
_BLOCK = 512  # points at a time, so that a block of the covariance stays in the cache


class SmoothField:
    """The modes of smooth displacements around some points."""

    def __init__(self, points: FloatArray, nodes: int, modes: int) -> None:
        """Choose nodes among the points and the strongest modes of the covariance there.

        Args:
            points: (N, 3) mm, where the displacement will be wanted.
            nodes: number of points that carry the field (at most N are used).
            modes: number of coefficients per axis (at most as many as nodes).
        """
        self._nodes = points[spread_indices(points, nodes)]
        covariance = _covariance(self._nodes, self._nodes)
        count = len(self._nodes)
        values, vectors = eigh(covariance, subset_by_index=[max(count - modes, 0), count - 1])
        kept = values > 1e-9 * values[-1]  # below that only rounding
        self._to_modes = vectors[:, kept] / np.sqrt(values[kept])

    def basis(self, points: FloatArray) -> FloatArray:
        """Return the (N, K) value of each mode at (N, 3) points, mm per coefficient."""
        return np.concatenate(
            [np.zeros((0, self._to_modes.shape[1]))]
            + [
                _covariance(points[i : i + _BLOCK], self._nodes) @ self._to_modes
                for i in range(0, len(points), _BLOCK)
            ]
        )


def spread_indices(points: FloatArray, count: int) -> IntArray:
    """Choose points that cover a set evenly; each is the farthest from those before it.

    Args:
        points: (N, 3), N >= 1.
        count: how many; no more than N.

    Returns:
        Indices, the point farthest from the mean first. The set does not depend on the order of
        the points, unless distances are equal.

    Source: Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
    """
    chosen = [int(np.argmax(((points - points.mean(axis=0)) ** 2).sum(axis=1)))]
    squared = np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)):
        np.minimum(squared, ((points - points[chosen[-1]]) ** 2).sum(axis=1), out=squared)
        chosen.append(int(np.argmax(squared)))
    return np.array(chosen)


def _covariance(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N, M) covariance, mm^2, of each axis of the displacement at (N, 3) and (M, 3) places."""
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    power: FloatArray = np.exp(np.maximum(squared, 0) / (-2 * WIDEST_MM**2))
    total: FloatArray = AMPLITUDES_MM[0] ** 2 * power
    for amplitude in AMPLITUDES_MM[1:]:
        power *= power
        power *= power
        total += amplitude**2 * power
    return total
