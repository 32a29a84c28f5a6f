"""Points of a face chosen from the 68 iBUG landmarks.

Five place a face: eye centres, nose tip, mouth corners (Deng et al. 2019). Seven are those of the
NoW benchmark.
"""

from __future__ import annotations

import numpy as np

from focsbench.types import FloatArray

# Outer and inner corners of both eyes, subnasale, mouth corners among the 68 iBUG landmarks: the
# order of the NoW challenge.
NOW_LANDMARKS = (36, 39, 42, 45, 33, 48, 54)

# Right eye, left eye, nose tip, right and left mouth corner (the subject's), in decimetres;
# mean-shape landmarks of the BFM 2009 as distributed with Deep3D (similarity_Lm3D_all.mat).
TEMPLATE_DM = np.array(
    [
        [-0.31148657, 0.29036078, 0.13377953],
        [0.30979887, 0.28972036, 0.13179526],
        [0.00325350, -0.04617932, 0.55244243],
        [-0.25216928, -0.38133916, 0.22405732],
        [0.24846620, -0.38128236, 0.22235769],
    ]
)


def five_points(landmarks: FloatArray) -> FloatArray:
    """Reduce (68, D) iBUG landmarks to the (5, D) points; eye centres are the mean of corners."""
    return np.stack(
        [
            landmarks[[36, 39]].mean(axis=0),
            landmarks[[42, 45]].mean(axis=0),
            landmarks[30],
            landmarks[48],
            landmarks[54],
        ]
    )
