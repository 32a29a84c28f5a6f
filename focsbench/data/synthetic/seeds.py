"""One independent random stream per thing that is drawn, whatever else is drawn before it."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator that belongs to a seed and a path of names.

    The path takes the place of "how many numbers were drawn before", so that images can be made in
    any order by any number of workers.
    """
    key = tuple(zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
