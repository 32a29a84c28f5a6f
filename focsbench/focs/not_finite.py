"""Losses and gradients that are no numbers: found before they reach a weight, and named."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from focsbench.focs.losses import Loss


class NotFiniteError(Exception):
    """What is not finite; the loop adds the stage and the iteration."""


def check_terms(letter: str, numbers: Mapping[str, float]) -> None:
    """Raise NotFiniteError if one of the numbers of an iteration is not finite.

    letter: name of the network that learns, for the message; may be empty.
    """
    bad = [name for name, value in numbers.items() if not math.isfinite(value)]
    # These follow from the terms and say nothing new beside one.
    named = [name for name in bad if name not in ("total", "kept")] or bad
    if bad:
        raise NotFiniteError(f"{', '.join(named)}{letter and f' of {letter}'}")


def terms_to_blame(letter: str, network: nn.Module, loss: Loss) -> str:
    """Say which terms of a finite loss have a gradient that is not finite, and where it starts.

    loss: with its graph.
    """
    names, parameters = zip(*network.named_parameters(), strict=True)
    terms, places = [], []
    for name, term in loss.weighted.items():
        if not term.requires_grad:
            continue
        gradients = torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True)
        bad = [
            place
            for place, gradient in zip(names, gradients, strict=True)
            if gradient is not None and not gradient.isfinite().all()
        ]
        if bad:
            terms.append(name)
            places.append(bad[-1])
    if not terms:
        return f"the gradient of {letter} (of no single term)"
    return f"the gradient of {', '.join(terms)} of {letter} (first at {places[0]})"
