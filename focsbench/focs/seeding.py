"""Randomness of training as a function of numbers, not of what ran before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def iteration_seed(*numbers: int) -> int:
    """Mix numbers (seed, purpose, iteration) into the seed of a torch generator."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block with its own state of torch's global generator.

    Initialisers and dropout take no other generator. The state of the CPU stays as it was outside;
    GPUs are seeded too and keep that state, because nothing draws from them outside such a block.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
