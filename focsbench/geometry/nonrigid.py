"""Which point of a predicted face corresponds to each point of a scan, and how far apart they are.

The distance to the closest surface point, which NoW measures, sees only the part of an error
that is perpendicular to the surface, and it places the prediction where that part is least. Here
the scan is first bent smoothly until it lies on the prediction, held by the landmarks; a scan
point corresponds to the place where it arrives. The prediction itself is never bent: it is placed
by the similarity that suits these correspondences best, and the error is the distance of a scan
point to its corresponding point.

Bending the scan instead of the prediction finds the same correspondence, but needs one tree
over the prediction instead of a new one for every step.

Source of the idea: Sariyanidi et al., "Meta-evaluation for 3D face reconstruction via synthetic
data", IJCB 2023, and M3DFB, arXiv 2505.18025 (rigid estimators
follow the true error badly, non-rigid ones well).
The registration is the Gaussian process regression of Lüthi et al., PAMI 2018, iterated with
closest points as in ICP, and point-to-plane (Chen and Medioni, 1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from focsbench.geometry.barycentric import barycentric_weights, surface_points
from focsbench.geometry.closest_point import ClosestPointTree
from focsbench.geometry.nonrigid_field import SmoothField
from focsbench.geometry.normals import unit_vectors, vertex_normals
from focsbench.geometry.procrustes import Similarity, procrustes
from focsbench.geometry.scan_alignment import ScanAlignment
from focsbench.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class NonrigidRules:
    """Constants of the registration, mm where not counts.

    samples: scan points that drive the registration. nodes, modes: of the displacement field.
    steps: of closest points and solve.
    first_noise, last_noise: expected distance of bent scan and surface, at both ends of the
        schedule (geometric between them); large values keep the field stiff.
    landmark_noise: expected error of a landmark per axis.
    reach: a closest point farther away is no match; confidence falls from half of it on.
    slip: nor is one that lies so far beside the foot of the perpendicular (rims of the mesh).
    """

    samples: int = 2500
    nodes: int = 200
    modes: int = 100
    steps: int = 8
    first_noise: float = 6.0
    last_noise: float = 0.5
    landmark_noise: float = 1.5
    reach: float = 12.0
    slip: float = 1.0


RULES = NonrigidRules()
_ON_SURFACE_MM = 1e-6


@dataclass(frozen=True)
class NonrigidFit:
    """Correspondences of N scan points, and the errors they imply.

    transform: from the prediction's own frame and unit to the scan, mm; the similarity that
        brings corresponding points together best.
    triangles: (N,) triangle of the prediction that holds each corresponding point.
    weights: (N, 3) barycentric weights in it.
    distances: (N,) mm, from each scan point to its corresponding point, placed.
    matched: (N,) bool, where the bent scan lies on the prediction. Elsewhere (holes, a prediction
        smaller than the scan) the corresponding point is only the closest one; it is measured,
        but does not take part in the placement.
    """

    transform: Similarity
    triangles: IntArray
    weights: FloatArray
    distances: FloatArray
    matched: BoolArray


class BendableScan:
    """A cropped scan and the smooth displacements that can bend it; serves any prediction.

    points: (N, 3) cropped scan vertices, mm. landmarks: (7, 3) of the scan, mm.
    rules: constants of the registration.
    sample: (S, 3) of the points, those that drive the registration.
    basis, sample_basis, landmark_basis: (N, K), (S, K) and (7, K) value of each mode there, mm
        per coefficient.
    """

    def __init__(
        self, points: FloatArray, landmarks: FloatArray, rules: NonrigidRules = RULES
    ) -> None:
        """Choose the samples (by the order of the points) and the modes."""
        self.points, self.landmarks, self.rules = points, landmarks, rules
        chosen = _sample(len(points), rules.samples)
        self.sample = points[chosen]
        field = SmoothField(self.sample, rules.nodes, rules.modes)
        self.basis = field.basis(points)
        self.sample_basis = self.basis[chosen]
        self.landmark_basis = field.basis(landmarks)


def nonrigid_fit(
    scan: BendableScan, landmarks: FloatArray, alignment: ScanAlignment
) -> NonrigidFit:
    """Find the correspondence of a scan and a prediction that was placed on it.

    Args:
        scan: N points, their landmarks and the rules.
        landmarks: (7, 3) landmarks of the prediction, in its own frame and unit.
        alignment: of this prediction to these points; its mesh and its placement are taken.

    Raises:
        ValueError: if nowhere near the placed prediction is a scan point.
    """
    registration = _Registration(
        scan, alignment.tree, alignment.start.apply(landmarks.astype(np.float64))
    )
    place, coefficients = registration.run(_between(alignment.start, alignment.transform))
    points = scan.points
    bent = _inverse(place).apply(points) + scan.basis @ coefficients
    match = registration.match(bent)
    place = procrustes(match.points, points, weights=match.confidence)
    return NonrigidFit(
        transform=_chain(place, alignment.start),
        triangles=match.triangles,
        weights=match.weights,
        distances=np.linalg.norm(place.apply(match.points) - points, axis=1),
        matched=match.confidence > 0,
    )


@dataclass(frozen=True)
class _Match:
    """Closest points of N bent scan points on the prediction.

    points: (N, 3). triangles: (N,) that hold them. weights: (N, 3) barycentric ones.
    directions: (N, 3) unit vectors in which the distance grows.
    confidence: (N,) in [0, 1], 0 for what is no match.
    """

    points: FloatArray
    triangles: IntArray
    weights: FloatArray
    directions: FloatArray
    confidence: FloatArray


class _Registration:
    """Bends samples of the scan onto the prediction, in the frame of the prediction's tree."""

    def __init__(self, scan: BendableScan, tree: ClosestPointTree, landmarks: FloatArray) -> None:
        self._scan, self._tree, self._landmarks = scan, tree, landmarks
        self._rules = scan.rules
        self._normals = vertex_normals(tree.vertices, tree.triangles)

    def run(self, place: Similarity) -> tuple[Similarity, FloatArray]:
        """Return the placement of the prediction on the scan, and the field's coefficients.

        Each step finds closest points of the bent scan, places the prediction by them, and
        solves for the field that explains what this placement leaves.
        """
        rules = self._rules
        coefficients = self._by_landmarks(place)
        near = None
        for noise in np.geomspace(rules.first_noise, rules.last_noise, rules.steps):
            bent = _inverse(place).apply(self._scan.sample) + self._scan.sample_basis @ coefficients
            match = self.match(bent, near)
            near = match.triangles
            place = procrustes(match.points, self._scan.sample, weights=match.confidence)
            coefficients = self._solve(place, match, noise)
        return place, coefficients

    def match(self, bent: FloatArray, near: IntArray | None = None) -> _Match:
        """Find the closest points of (N, 3) bent scan points.

        near: (N,) triangles that are likely close; they change the speed alone.

        No direction here depends on which of two triangles holds a point on their common edge:
        there rounding decides.
        """
        rules, triangles = self._rules, self._tree.triangles
        closest = self._tree.query(bent, near)
        weights = barycentric_weights(
            closest.points, self._tree.vertices, triangles, closest.triangles
        )
        smooth = unit_vectors(surface_points(self._normals, triangles, closest.triangles, weights))
        offset = bent - closest.points
        beside = offset - (offset * smooth).sum(axis=1)[:, None] * smooth
        confidence = _taper(closest.distances / rules.reach) * _taper(
            np.linalg.norm(beside, axis=1) / rules.slip
        )
        # The gradient of the distance; on the surface itself only rounding is left of it.
        away = closest.distances > _ON_SURFACE_MM
        directions = np.where(away[:, None], unit_vectors(offset), smooth)
        return _Match(closest.points, closest.triangles, weights, directions, confidence)

    def _by_landmarks(self, place: Similarity) -> FloatArray:
        """Coefficients (K, 3) that the landmarks alone make most likely."""
        basis = self._scan.landmark_basis / self._rules.landmark_noise
        wanted = self._landmark_residual(place) / self._rules.landmark_noise
        matrix = basis.T @ basis + np.eye(basis.shape[1])
        return np.asarray(np.linalg.solve(matrix, basis.T @ wanted))

    def _landmark_residual(self, place: Similarity) -> FloatArray:
        return self._landmarks - _inverse(place).apply(self._scan.landmarks)

    def _solve(self, place: Similarity, match: _Match, noise: float) -> FloatArray:
        """Most likely coefficients (K, 3): point-to-plane matches, landmarks and the prior."""
        modes = self._scan.sample_basis.shape[1]
        planes = match.directions * (np.sqrt(match.confidence) / noise)[:, None]
        offsets = match.points - _inverse(place).apply(self._scan.sample)
        rows = (planes[:, :, None] * self._scan.sample_basis[:, None, :]).reshape(-1, 3 * modes)
        basis = self._scan.landmark_basis / self._rules.landmark_noise
        wanted = self._landmark_residual(place) / self._rules.landmark_noise
        matrix = rows.T @ rows + np.kron(np.eye(3), basis.T @ basis) + np.eye(3 * modes)
        right = rows.T @ (planes * offsets).sum(axis=1) + (basis.T @ wanted).T.ravel()
        return np.asarray(cho_solve(cho_factor(matrix), right)).reshape(3, modes).T


def _sample(count: int, wanted: int) -> IntArray:
    """Numbers of a random choice of points, the same for the same count; ascending."""
    return np.sort(np.random.default_rng(0).permutation(count)[:wanted])


def _taper(share: FloatArray) -> FloatArray:
    """Falls from 1 at half a limit to 0 at the limit: no point is in or out by a hair."""
    return np.asarray(np.clip(2 - 2 * share, 0, 1))


def _chain(second: Similarity, first: Similarity) -> Similarity:
    """The map that applies first, then second."""
    return Similarity(
        second.scale * first.scale,
        second.rotation @ first.rotation,
        second.apply(first.translation[None])[0],
    )


def _inverse(place: Similarity) -> Similarity:
    scale, rotation = 1 / place.scale, place.rotation.T
    return Similarity(scale, rotation, -scale * rotation @ place.translation)


def _between(start: Similarity, end: Similarity) -> Similarity:
    """The map of the frame that ``start`` leads to onto the frame that ``end`` leads to."""
    return _chain(end, _inverse(start))
