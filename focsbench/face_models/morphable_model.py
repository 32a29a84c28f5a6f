"""The linear face model that methods fit: shape, expression and albedo on one topology."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import CacheError, ConfigError
from focsbench.face_models.array_cache import read_arrays, write_arrays

Floats = NDArray[np.floating[Any]]
_ARRAYS = (
    "mean_shape", "identity_basis", "expression_basis", "mean_albedo", "albedo_basis",
    "triangles", "landmarks68", "landmarks7",
)  # fmt: skip


@dataclass(frozen=True)
class MorphableModel:
    """A linear 3D morphable model with V vertices and F triangles.

    Frame: millimetres, +x the subject's left, +y up, +z out of the nose; the origin lies inside
    the head, near the origin of Deep3D's five-point template (the module of each source says
    where). Vertex = mean_shape + identity . identity_basis + expression_mean + expression .
    expression_basis; colour = mean_albedo + albedo . albedo_basis. The numbers of modes are those
    of the source, at most the paper's 80 / 64 / 80 for the models that it is about; a source
    without a kind of mode has 0 of them.

    mean_shape: (V, 3) float32, neutral expression. identity_basis: (I, V, 3), mm per sigma.
    expression_basis: (E, V, 3), mm per unit; coefficient 0 is neutral and 1 about one sigma.
    mean_albedo: (V, 3) display RGB in [0, 1]. albedo_basis: (A, V, 3) per sigma.
    triangles: (F, 3) int32, counter-clockwise seen from outside.
    landmarks68: (68,) int64 vertices in iBUG order. landmarks7: (7,) in NoW order.
    regions: name -> (V,) bool; every model has ``face``, the part that is fitted to photographs.
    expression_names: E names in the order of expression_basis.
    expression_mean: (V, 3) mm, the mean of an expression model that is not zero: part of every
        face in a photograph, absent from neutral shapes. None stands for zero.
    """

    name: str
    mean_shape: NDArray[np.float32]
    identity_basis: NDArray[np.float32]
    expression_basis: NDArray[np.float32]
    mean_albedo: NDArray[np.float32]
    albedo_basis: NDArray[np.float32]
    triangles: NDArray[np.int32]
    landmarks68: NDArray[np.int64]
    landmarks7: NDArray[np.int64]
    regions: dict[str, NDArray[np.bool_]]
    expression_names: tuple[str, ...]
    expression_mean: NDArray[np.float32] | None = None

    @property
    def modes(self) -> tuple[int, int, int]:
        """Numbers of identity, expression and albedo modes."""
        return len(self.identity_basis), len(self.expression_basis), len(self.albedo_basis)

    @property
    def fitted_mean(self) -> NDArray[np.float32]:
        """Mean face of photographs (V, 3), mm: the mean shape with the mean expression."""
        if self.expression_mean is None:
            return self.mean_shape
        return self.mean_shape + self.expression_mean

    def shape(self, identity: Floats, expression: Floats | None = None) -> NDArray[np.float32]:
        """Vertices (..., V, 3) in mm for coefficients (..., I) and (..., E) or None (neutral)."""
        vertices = _combine(identity, self.identity_basis)
        if expression is None:
            return self.mean_shape + vertices
        return self.fitted_mean + vertices + _combine(expression, self.expression_basis)

    def albedo(self, coefficients: Floats) -> NDArray[np.float32]:
        """Display RGB (..., V, 3) for coefficients (..., A); unclamped, may leave [0, 1]."""
        return self.mean_albedo + _combine(coefficients, self.albedo_basis)

    def crop(self, region: str) -> MorphableModel:
        """The part of the model inside a region.

        Keeps the triangles whose three corners lie in the region and the vertices they use.
        Raises ConfigError for an unknown region or one that loses a landmark.
        """
        if region not in self.regions:
            raise ConfigError(
                f"face model {self.name} has no region '{region}'; "
                f"it has {', '.join(sorted(self.regions))}"
            )
        triangles = self.triangles[self.regions[region][self.triangles].all(axis=1)]
        kept, local = np.unique(triangles, return_inverse=True)
        new_id = np.full(len(self.mean_shape), -1, dtype=np.int64)
        new_id[kept] = np.arange(len(kept))
        landmarks68, landmarks7 = new_id[self.landmarks68], new_id[self.landmarks7]
        if (landmarks68 < 0).any() or (landmarks7 < 0).any():
            lost = np.flatnonzero(landmarks68 < 0).tolist()
            raise ConfigError(
                f"region '{region}' of face model {self.name} loses landmarks {lost}; "
                "choose a region that holds the whole face"
            )
        return MorphableModel(
            name=f"{self.name}-{region}",
            mean_shape=self.mean_shape[kept],
            identity_basis=self.identity_basis[:, kept],
            expression_basis=self.expression_basis[:, kept],
            mean_albedo=self.mean_albedo[kept],
            albedo_basis=self.albedo_basis[:, kept],
            triangles=local.reshape(triangles.shape).astype(np.int32),
            landmarks68=landmarks68,
            landmarks7=landmarks7,
            regions={name: mask[kept] for name, mask in self.regions.items()},
            expression_names=self.expression_names,
            expression_mean=None if self.expression_mean is None else self.expression_mean[kept],
        )

    def save(self, path: Path) -> None:
        """Write the model to one checksummed safetensors file, atomically."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {f"region/{name}": mask for name, mask in self.regions.items()}
        if self.expression_mean is not None:
            arrays["expression_mean"] = self.expression_mean
        facts = {"name": self.name, "expression_names": list(self.expression_names)}
        write_arrays(path, arrays, facts)

    @classmethod
    def load(cls, path: Path) -> MorphableModel:
        """Read a model of :meth:`save`. Raises CacheError if the file is missing or damaged."""
        arrays, facts = read_arrays(path)
        try:
            return cls(
                name=facts["name"],
                regions={
                    name.removeprefix("region/"): mask
                    for name, mask in arrays.items()
                    if name.startswith("region/")
                },
                expression_names=tuple(facts["expression_names"]),
                expression_mean=arrays.get("expression_mean"),
                **{name: arrays[name] for name in _ARRAYS},
            )
        except KeyError as error:
            raise CacheError(
                f"{path} holds no face model; delete it and it is built again"
            ) from error


def _combine(coefficients: Floats, basis: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum over modes: (..., K) with (K, V, 3) to (..., V, 3) float32."""
    weights = np.asarray(coefficients, dtype=np.float32)
    total: NDArray[np.float32] = np.tensordot(weights, basis, axes=1)
    return total
