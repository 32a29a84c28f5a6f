"""Smooth random warps of space: the part of human variety that MakeHuman's sliders lack.

Sliders move features; between them (cheeks, temples, jaw) their heads are too alike. With natural
distances between features the median scan-to-mesh distance of a head to the average is 1.0 mm
under the NoW rules; a real scan (menpo3d's James) and heads made from scans (ICT-FaceKit) are
1.5-1.7 mm away from their averages. A Gaussian process over space (M. Luethi et al., Gaussian
Process Morphable Models, 2018) adds the missing low frequencies. It moves skin, lids and
eyeballs alike, so that nothing tears or collides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

# (correlation length, standard deviation per axis), both in mm.
SCALES = ((42.0, 5.0), (20.0, 1.0))
# Sideways and vertical movement spreads the features apart, which the sliders do already; depth
# is what they lack.
AXIS_SHARE = (0.7, 0.6, 1.15)
ASYMMETRIC_SHARE = 0.25  # standard deviation of the asymmetric part relative to the symmetric one
# Skulls are more alike than faces: strength of the warps on the crown, where it has faded to that
# (heights in mm), and where the fading starts.
CROWN_SHARE = 0.45
CROWN = (60.0, 130.0)
KEPT_VARIANCE = 0.97
ANCHORS = 350


def warp_modes(
    base: NDArray[np.floating[Any]], anchors_from: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Displacement modes (K, V, 3) in mm; weights drawn from N(0, 1) give one random warp.

    base: (V, 3) mm, symmetric about x = 0. anchors_from: (V,) bool, where the process lives (the
    head); away from there the warp fades out within the correlation length.
    """
    points = np.asarray(base, dtype=np.float64)
    candidates = np.flatnonzero(anchors_from & (points[:, 0] >= 0))
    anchors = points[candidates[spread_out(points[candidates], ANCHORS)]]
    fields = {parity: _scalar_modes(points, anchors, parity) for parity in (1.0, -1.0)}
    modes = []
    for symmetric, share in ((True, 1.0), (False, ASYMMETRIC_SHARE)):
        for axis in range(3):
            # A symmetric warp moves left and right alike in y and z and oppositely in x.
            even = (axis != 0) == symmetric
            field = share * AXIS_SHARE[axis] * fields[1.0 if even else -1.0]
            block = np.zeros((len(field), len(points), 3))
            block[:, :, axis] = field
            modes.append(block)
    strength = np.interp(points[:, 1], CROWN, (1.0, CROWN_SHARE))
    return (np.concatenate(modes) * strength[:, None]).astype(np.float32)


def _scalar_modes(
    points: NDArray[np.float64], anchors: NDArray[np.float64], parity: float
) -> NDArray[np.float64]:
    """Leading modes (K, V) of the even (+1) or odd (-1) part of the process, by Nystroem."""
    values, vectors = np.linalg.eigh(_kernel(anchors, anchors, parity))
    values, vectors = values[::-1], vectors[:, ::-1]
    count = int(np.searchsorted(np.cumsum(values) / values.sum(), KEPT_VARIANCE)) + 1
    # An eigenvector's sign is the solver's whim: make its largest entry positive.
    largest = np.abs(vectors[:, :count]).argmax(axis=0)
    vectors = vectors[:, :count] * np.sign(vectors[largest, np.arange(count)])
    modes: NDArray[np.float64] = (_kernel(points, anchors, parity) @ vectors).T
    modes /= np.sqrt(values[:count, None])
    return modes


def _kernel(
    first: NDArray[np.float64], second: NDArray[np.float64], parity: float
) -> NDArray[np.float64]:
    """Covariance (N, M) in mm^2 of one displacement component with the given mirror parity."""
    total = np.zeros((len(first), len(second)))
    for other, sign in ((second, 1.0), (second * [-1.0, 1.0, 1.0], parity)):
        distance = cdist(first, other, "sqeuclidean")
        for length, deviation in SCALES:
            total += 0.5 * sign * deviation**2 * np.exp(-distance / (2 * length**2))
    return total


def spread_out(points: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Indices of ``count`` points far from each other (greedy, starting with the first)."""
    chosen = np.zeros(min(count, len(points)), dtype=np.int64)
    nearest = np.full(len(points), np.inf)
    for step in range(1, len(chosen)):
        distance = ((points - points[chosen[step - 1]]) ** 2).sum(axis=1)
        nearest = np.minimum(nearest, distance)
        chosen[step] = nearest.argmax()
    return chosen
