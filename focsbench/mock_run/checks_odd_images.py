"""Checks with photographs that no method likes: a good answer or a clear refusal, never NaN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from focsbench.errors import FocsbenchError
from focsbench.mock_run.check import Check, Fault, described
from focsbench.mock_run.subject import MethodTrial, Part
from focsbench.types import Reconstruction, Sample

Change = Callable[[Sample], Sample]
_BATCH = 9


def _filled(value: float) -> Change:
    return lambda sample: replace(sample, image=np.full_like(sample.image, value))


def _noise(sample: Sample) -> Sample:
    values = np.random.default_rng(0).random(sample.image.shape, dtype=np.float32)
    return replace(sample, image=values)


def _moved_landmarks(sample: Sample) -> Sample:
    """The face half outside the image, as beside the edge of a photograph."""
    shift = np.float32(sample.image.shape[0] * 0.6)
    return replace(sample, landmarks=sample.landmarks + np.array([shift, 0], dtype=np.float32))


def _unlabelled(sample: Sample) -> Sample:
    return replace(sample, visible_mask=None)


def _answers_or_refuses(trial: MethodTrial, change: Change) -> None:
    for part in trial.parts:
        odd = change(part.samples[0])
        try:
            (answer,) = trial.ask(part, [odd])
        except FocsbenchError:
            continue  # a refusal with a sentence
        except Exception as error:
            raise Fault(
                f"{part.dataset}: it raises {described(error)}; raise InputError with a sentence "
                "for photographs that it cannot use."
            ) from error
        _require_finite(part, answer)


def _require_finite(part: Part, answer: Reconstruction) -> None:
    arrays = [answer.landmarks7, answer.render, answer.visible, *answer.parameters.values()]
    if answer.neutral is not None:
        arrays.append(answer.neutral.vertices)
    if any(array is not None and not np.isfinite(array).all() for array in arrays):
        raise Fault(f"{part.dataset}: the answer holds NaN or infinite values; raise InputError.")


def large_batch(trial: MethodTrial) -> None:
    for part in trial.parts:
        samples = [part.samples[i % len(part.samples)] for i in range(_BATCH)]
        if len(trial.ask(part, samples)) != _BATCH:
            raise Fault(f"{_BATCH} photographs get another number of answers; give one for each.")


_ODD: tuple[tuple[str, str, Change], ...] = (
    ("black_image", "A black photograph", _filled(0)),
    ("white_image", "A white photograph", _filled(1)),
    ("noise_image", "A photograph of noise", _noise),
    ("landmarks_outside", "A face half outside the photograph", _moved_landmarks),
    ("no_label", "A photograph without a visible-face mask", _unlabelled),
)
# An answer that is never finite is not the fault of the odd photograph.
_FINITE = ("mesh_finite", "render_finite", "visible_range", "parameters_usable")
CHECKS: tuple[Check[MethodTrial], ...] = (
    *(
        Check(
            name,
            f"{what} is answered, or refused with a sentence.",
            partial(_answers_or_refuses, change=change),
            _FINITE,
        )
        for name, what, change in _ODD
    ),
    Check(
        "large_batch",
        f"{_BATCH} photographs at once, some of them twice, get {_BATCH} answers.",
        large_batch,
        ("answers_all",),
    ),
)
