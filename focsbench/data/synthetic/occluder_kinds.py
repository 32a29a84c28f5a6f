"""Which things occlude which photographs of the embedded benchmark.

The layout of CelebAMask-HQ has no place for it, but every photograph is drawn from a random
stream of its own whose first draw is the occluders, so they can be drawn again.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from focsbench.data.synthetic.celebahq_writer import is_occluded, plan
from focsbench.data.synthetic.config import GENERATOR_VERSION, SyntheticConfig
from focsbench.data.synthetic.seeds import generator
from focsbench.data.synthetic.shots import draw_occluders

MANIFEST = "manifest.json"


def celeba_occluders(config: SyntheticConfig, split: str) -> dict[str, tuple[str, ...]]:
    """Return the kinds of occluder by key (image number) of the CelebA part; () where none.

    The kinds are those of :data:`focsbench.data.synthetic.shots.OCCLUDERS`.
    """
    return {
        str(index): draw_occluders(generator(config.seed, "celeba", job.split, job.subject, index))
        if is_occluded(index, config.occluded_fraction)
        else ()
        for job in plan(config)
        if job.split == split
        for index in job.images
    }


def occluders_beside(root: Path, split: str) -> dict[str, tuple[str, ...]]:
    """Return :func:`celeba_occluders` of a written benchmark; nothing for photographs of others.

    root: its CelebAMask-HQ folder, which the manifest lies beside.
    """
    try:
        manifest = json.loads((root.parent / MANIFEST).read_bytes())
        if manifest["generator_version"] != GENERATOR_VERSION:
            return {}
        config = SyntheticConfig.model_validate(manifest["config"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return {}
    return celeba_occluders(config, split)
