"""Checks of how a method behaves: repetition, batches, order, side effects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from focsbench.mock_run.check import Check, Fault, NotApplicable
from focsbench.mock_run.subject import MethodTrial, Part
from focsbench.types import Mesh, Reconstruction, Sample

# Sums over a batch may be rounded otherwise than alone; nothing else may differ.
_CLOSE = {"vertices": 0.02, "landmarks7": 0.02, "render": 2e-3, "visible": 2e-3}
_CLOSE_PARAMETERS = 1e-3
_REGION_SHARE = 2e-3  # of pixels at the edge that may fall on the other side
_ALL_MM = 5.0
_MOUTH_MM = 35.0


def same_again(trial: MethodTrial) -> None:
    for part in trial.parts:
        again = trial.ask(part, part.samples)
        _require_same(part.samples, part.answers, again, "asked twice, it gives other")


def fresh_instance(trial: MethodTrial) -> None:
    for part in trial.parts:
        fresh = trial.build(part.dataset).reconstruct(part.samples)
        _require_same(part.samples, part.answers, fresh, "built again, it gives other")


def one_by_one(trial: MethodTrial) -> None:
    for part in trial.parts:
        for sample, expected in zip(part.samples, part.answers, strict=True):
            alone = trial.ask(part, [sample])[0]
            _require_close(sample, expected, alone, "alone and in a batch")


def any_order(trial: MethodTrial) -> None:
    for part in trial.parts:
        backwards = trial.ask(part, part.samples[::-1])[::-1]
        for sample, expected, found in zip(part.samples, part.answers, backwards, strict=True):
            _require_close(sample, expected, found, "in another order")


def _require_same(
    samples: Sequence[Sample],
    expected: Sequence[Reconstruction],
    found: Sequence[Reconstruction],
    what: str,
) -> None:
    for sample, one, other in zip(samples, expected, found, strict=True):
        for name, a, b in _named(one, other):
            if (a is None) != (b is None) or not _same_numbers(a, b):
                raise Fault(
                    f"{sample.key}: {what} {name}; take every random number from a generator with "
                    "a fixed seed, and switch off dropout."
                )


def _same_numbers(one: Any, other: Any) -> bool:
    """Whether arrays are equal; NaN counts as equal to NaN (another check refuses it)."""
    a, b = np.asarray(one), np.asarray(other)
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f")


def _require_close(
    sample: Sample, expected: Reconstruction, found: Reconstruction, when: str
) -> None:
    for name, a, b in _named(expected, found):
        if (a is None) != (b is None) or np.shape(a) != np.shape(b):
            raise Fault(f"{sample.key}: {name} differ {when}; answer every photograph by itself.")
        if a is None or np.size(a) == 0:
            continue
        if _far_apart(name, a, b):
            raise Fault(f"{sample.key}: {name} differ {when}; answer every photograph by itself.")


def _far_apart(name: str, one: Any, other: Any) -> bool:
    """Whether values differ by more than rounding; an edge pixel may be covered or not."""
    if name == "region":
        return float(np.mean(one != other)) > _REGION_SHARE
    gaps = np.abs(np.subtract(one, other, dtype=np.float64))
    if name in ("render", "visible"):
        return float(np.mean(gaps > _CLOSE[name])) > _REGION_SHARE
    scale = max(float(np.abs(one).max()), 1.0)
    return float(gaps.max()) > _CLOSE.get(name, _CLOSE_PARAMETERS * scale)


def _named(one: Reconstruction, other: Reconstruction) -> Iterator[tuple[str, Any, Any]]:
    for name in ("landmarks7", "render", "region", "visible"):
        yield name, getattr(one, name), getattr(other, name)
    meshes = [a.neutral or Mesh(np.zeros((0, 3)), np.zeros((0, 3), int)) for a in (one, other)]
    yield "vertices", meshes[0].vertices, meshes[1].vertices
    yield "triangles", meshes[0].triangles, meshes[1].triangles
    for name in sorted(one.parameters.keys() | other.parameters.keys()):
        yield f"parameter {name}", one.parameters.get(name), other.parameters.get(name)


def inputs_untouched(trial: MethodTrial) -> None:
    if trial.changed_inputs:
        raise Fault(
            f"{trial.changed_inputs[0]}: the sample has changed; work on a copy of its image."
        )


def neutral_expression(trial: MethodTrial) -> None:
    """One person with an open and a closed mouth must keep about the same neutral mouth."""
    found = False
    for part in trial.parts:
        for first, second in _same_person(part):
            found = True
            gap = _mouth_gap_mm(first[1], second[1])
            if gap > _ALL_MM:
                raise Fault(
                    f"{second[0].key}: the mouth is {gap:.0f} mm off that of {first[0].key}, the "
                    "same person with a closed mouth; give the mesh without expression."
                )
    if not found:
        raise NotApplicable("it gives no meshes")


def _same_person(
    part: Part,
) -> Iterator[tuple[tuple[Sample, Reconstruction], tuple[Sample, Reconstruction]]]:
    pairs = list(zip(part.samples, part.answers, strict=True))
    for first, second in zip(pairs[::2], pairs[1::2], strict=False):
        if first[1].neutral is not None and second[1].neutral is not None:
            yield first, second


def _mouth_gap_mm(one: Reconstruction, other: Reconstruction) -> float:
    """95th percentile of vertex movements around the mouth, the eyes and nose held still."""
    from focsbench.geometry.procrustes import procrustes

    assert one.neutral is not None
    assert other.neutral is not None
    assert one.landmarks7 is not None
    assert other.landmarks7 is not None
    if one.neutral.vertices.shape != other.neutral.vertices.shape:
        return 0.0  # another check's business
    map_ = procrustes(
        other.landmarks7[:5].astype(float), one.landmarks7[:5].astype(float), with_scale=False
    )
    mouth = one.landmarks7[5:].mean(axis=0)
    near = np.linalg.norm(one.neutral.vertices - mouth, axis=1) < _MOUTH_MM
    if not near.any():
        return 0.0
    moved = map_.apply(other.neutral.vertices[near].astype(float)) - one.neutral.vertices[near]
    return float(np.percentile(np.linalg.norm(moved, axis=1), 95))


def seconds_recorded(trial: MethodTrial) -> None:
    for part in trial.parts:
        times = [answer.seconds for answer in part.answers]
        if all(time is None for time in times):
            raise NotApplicable("it measures no time")
        for sample, time in zip(part.samples, times, strict=True):
            if time is None or not np.isfinite(time) or time < 0:
                raise Fault(f"{sample.key}: seconds is {time}; give the wall time of each image.")
        total = sum(time for time in times if time is not None)
        if total > part.seconds + 0.01:
            raise Fault(
                f"the images took {total:.3f} s by its own count and {part.seconds:.3f} s by the "
                "clock; give seconds per image, not per batch and not milliseconds."
            )


def threads_untouched(trial: MethodTrial) -> None:
    if trial.changed_threads:
        raise Fault(
            "it changes the number of threads of torch or of the environment; leave them, since "
            "workers share the cores."
        )


def random_state_untouched(trial: MethodTrial) -> None:
    if trial.changed_random_state:
        raise Fault(
            "it uses the global random generator of numpy or torch; make one of its own, so that "
            "methods do not change each other."
        )


def writes_nothing(trial: MethodTrial) -> None:
    strange = trial.deeds.strange_files()
    if strange:
        raise Fault(
            f"it writes {strange[0]}; return arrays, and keep downloads and caches in the cache "
            "folder of the user."
        )


def no_connections(trial: MethodTrial) -> None:
    if trial.deeds.connections:
        raise Fault(
            f"it connects to {next(iter(trial.deeds.connections))}; results must not depend on a "
            "network, so let users fetch files beforehand."
        )


def no_commands(trial: MethodTrial) -> None:
    if trial.deeds.commands:
        raise Fault(
            f"it runs the command {next(iter(trial.deeds.commands))}; do the work in Python or "
            "write a predictions folder with that program."
        )


def no_pickles(trial: MethodTrial) -> None:
    if trial.deeds.unpickled:
        raise Fault(
            f"it reads a pickle with {next(iter(trial.deeds.unpickled))} in it, which may run "
            "anything; use safetensors, or torch.load(weights_only=True)."
        )


_ANSWERS = ("answers_all",)
CHECKS: tuple[Check[MethodTrial], ...] = (
    Check(
        "same_again",
        "The same photographs give the same bytes twice.",
        same_again,
        ("answers_all", "numpy_arrays"),
    ),
    Check(
        "fresh_instance",
        "A newly built method gives the same bytes.",
        fresh_instance,
        ("same_again",),
    ),
    Check(
        "one_by_one",
        "A photograph alone gives the answer that it gives in a batch.",
        one_by_one,
        ("same_again",),
    ),
    Check(
        "any_order",
        "The order of the photographs changes no answer.",
        any_order,
        ("one_by_one",),
    ),
    Check(
        "inputs_untouched",
        "The photographs stay as they are.",
        inputs_untouched,
        _ANSWERS,
    ),
    Check(
        "neutral_expression",
        "An open mouth in the photograph is not in the mesh.",
        neutral_expression,
        ("units_mm", "landmark_order", "neutral_pose"),
    ),
    Check(
        "seconds_recorded",
        "Every answer says how long it took.",
        seconds_recorded,
        _ANSWERS,
    ),
    Check(
        "threads_untouched",
        "Thread counts stay as they are.",
        threads_untouched,
        _ANSWERS,
    ),
    Check(
        "random_state_untouched",
        "Global random generators stay as they are.",
        random_state_untouched,
        _ANSWERS,
    ),
)
# Looked at last, when everything that the method does has been seen.
DEEDS: tuple[Check[MethodTrial], ...] = (
    Check("writes_nothing", "It writes no files.", writes_nothing, ("can_be_built",)),
    Check("no_connections", "It opens no network connections.", no_connections, ("can_be_built",)),
    Check("no_commands", "It runs no other programs.", no_commands, ("can_be_built",)),
    Check("no_pickles", "It reads no pickles.", no_pickles, ("can_be_built",)),
)
