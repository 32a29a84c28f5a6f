"""Rotation matrices from axis-angle vectors, with their exact derivative."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from focsbench.types import FloatArray


def cross_matrix(vector: FloatArray) -> FloatArray:
    """Return the (3, 3) matrix K with ``K @ u == cross(vector, u)``."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def rotation_from_vector(vector: FloatArray) -> FloatArray:
    """Return the (3, 3) rotation about ``vector`` by ``|vector|`` radians (column convention)."""
    return Rotation.from_rotvec(vector).as_matrix()


def rotation_derivative(vector: FloatArray, rotation: FloatArray) -> FloatArray:
    """Return (3, 3, 3): entry ``[k]`` is the derivative of the rotation by ``vector[k]``.

    Args:
        vector: (3,) axis-angle, radians.
        rotation: ``rotation_from_vector(vector)``.

    Source: Gallego and Yezzi, "A compact formula for the derivative of a 3-D rotation in
    exponential coordinates", J. Math. Imaging Vis. 2015, Eq. 9.
    """
    squared = float(vector @ vector)
    if squared < 1e-24:  # the limit at the identity; the formula below divides by the square
        return np.stack([cross_matrix(axis) for axis in np.eye(3)])
    across = cross_matrix(vector)
    turned = across @ (np.eye(3) - rotation)
    return np.stack(
        [(vector[k] * across + cross_matrix(turned[:, k])) @ rotation / squared for k in range(3)]
    )
