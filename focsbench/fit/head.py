"""The whole head of a fitted face as a coloured mesh, and the files that hold it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from focsbench.face_models.morphable_model import MorphableModel
from focsbench.fit.fitter import FittedFace
from focsbench.rendering.spherical_harmonics import AMBIENT, Y0
from focsbench.types import FloatArray, Mesh

MM_PER_METRE = 1000.0


@dataclass(frozen=True)
class Head:
    """A head with its expression, not turned: x to the subject's left, y up, z out of the nose.

    mesh: mm. colours: (V, 3) display RGB in [0, 1]: the albedo in a light from everywhere that is
    as bright and of the same colour as the light of the photograph. centre: (3,) of the face, mm.
    reach: of the face from there, mm.
    """

    mesh: Mesh
    colours: FloatArray
    centre: FloatArray
    reach: float


def head_of(model: MorphableModel, fitted: FittedFace) -> Head:
    """Build the uncropped mesh of a fitted face."""
    latents = fitted.latents
    vertices = model.shape(latents["identity"], latents["expression"])
    albedo = model.albedo(latents["albedo"])
    inside = fitted.region & (fitted.visible > 0.5)
    light = latents["light"].reshape(3, 9)[:, 0] + AMBIENT
    gain = light * Y0
    if inside.any():
        # The mean over the visible face says how the skin looks here; one function does not.
        skin = albedo[model.regions["face"]].mean(axis=0)
        gain = fitted.render[inside].mean(axis=0) / np.maximum(skin, 1e-3)
    face = vertices[model.regions["face"]]
    centre = (face.min(axis=0) + face.max(axis=0)) / 2
    reach = float(np.linalg.norm(face - centre, axis=1).max())
    return Head(Mesh(vertices, model.triangles), np.clip(albedo * gain, 0, 1), centre, reach)


def glb_bytes(head: Head) -> bytes:
    """Return a head as binary glTF 2.0: metres, y up, linear vertex colours as the format asks."""
    import trimesh

    linear = np.where(
        head.colours <= 0.04045, head.colours / 12.92, ((head.colours + 0.055) / 1.055) ** 2.4
    )
    mesh = trimesh.Trimesh(
        head.mesh.vertices / MM_PER_METRE,
        head.mesh.triangles,
        vertex_colors=_bytes(linear),
        process=False,
    )
    exported = mesh.export(file_type="glb")
    assert isinstance(exported, bytes)
    return exported


def _bytes(colours: FloatArray) -> NDArray[np.uint8]:
    return np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)
