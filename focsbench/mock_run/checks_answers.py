"""Checks of the arrays of an answer: shapes, number types, ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from focsbench.mock_run.check import Check, Fault, NotApplicable
from focsbench.mock_run.subject import Answered, images, meshes

_NUMBERS = {
    "render": (np.floating, "floating-point numbers"),
    "region": (np.bool_, "booleans"),
    "visible": (np.floating, "floating-point numbers"),
}
_BLACK = 1e-6


def _arrays(subject: Answered) -> dict[str, dict[str, Any]]:
    """Every array of every answer by key and name; the mesh as its two arrays."""
    found: dict[str, dict[str, Any]] = {}
    for key, answer in subject.answers.items():
        named: dict[str, Any] = {
            "landmarks7": answer.landmarks7,
            "render": answer.render,
            "region": answer.region,
            "visible": answer.visible,
        }
        if answer.neutral is not None:
            named["vertices"] = answer.neutral.vertices
            named["triangles"] = answer.neutral.triangles
        found[key] = {name: value for name, value in named.items() if value is not None}
    return found


def something_given(subject: Answered) -> None:
    for key, arrays in _arrays(subject).items():
        if not arrays:
            raise Fault(f"{key}: the answer is empty; give a mesh, a render or a mask.")


def numpy_arrays(subject: Answered) -> None:
    for key, arrays in _arrays(subject).items():
        for name, value in arrays.items():
            if not isinstance(value, np.ndarray):
                raise Fault(f"{key}: {name} is a {type(value).__name__}; give a numpy array.")


def mesh_shapes(subject: Answered) -> None:
    for key, answer in subject.answers.items():
        if (answer.neutral is None) != (answer.landmarks7 is None):
            raise Fault(f"{key}: mesh and landmarks7 belong together; give both or neither.")
    for key, (mesh, landmarks) in meshes(subject).items():
        for name, array, width in (
            ("vertices", mesh.vertices, 3),
            ("triangles", mesh.triangles, 3),
        ):
            if array.ndim != 2 or array.shape[1] != width or len(array) == 0:
                raise Fault(f"{key}: {name} have shape {array.shape}; give (N, 3).")
        if landmarks.shape != (7, 3):
            raise Fault(f"{key}: landmarks7 have shape {landmarks.shape}; give (7, 3).")


def mesh_numbers(subject: Answered) -> None:
    for key, (mesh, landmarks) in meshes(subject).items():
        if mesh.triangles.dtype.kind not in "iu":
            raise Fault(f"{key}: triangles are {mesh.triangles.dtype}; give integers.")
        for name, array in (("vertices", mesh.vertices), ("landmarks7", landmarks)):
            if array.dtype.kind != "f":
                raise Fault(f"{key}: {name} are {array.dtype}; give floating-point numbers.")


def mesh_finite(subject: Answered) -> None:
    for key, (mesh, landmarks) in meshes(subject).items():
        if not (np.isfinite(mesh.vertices).all() and np.isfinite(landmarks).all()):
            raise Fault(
                f"{key}: a coordinate of the mesh is NaN or infinite; raise InputError for an "
                "image that cannot be reconstructed."
            )


def image_shapes(subject: Answered) -> None:
    seen = False
    for key, arrays in _arrays(subject).items():
        size = subject.image_size
        for name in ("render", "region", "visible"):
            if name not in arrays:
                continue
            seen, shape = True, arrays[name].shape
            side = size or shape[0]
            expected = (side, side, 3) if name == "render" else (side, side)
            if shape != expected:
                raise Fault(f"{key}: {name} has shape {shape}; give {expected}.")
    if not seen:
        raise NotApplicable("it gives no images")


def image_numbers(subject: Answered) -> None:
    seen = False
    for key, arrays in _arrays(subject).items():
        for name, (kind, words) in _NUMBERS.items():
            if name in arrays:
                seen = True
                if not np.issubdtype(arrays[name].dtype, kind):
                    raise Fault(f"{key}: {name} holds {arrays[name].dtype}; give {words}.")
    if not seen:
        raise NotApplicable("it gives no images")


def render_finite(subject: Answered) -> None:
    for key, render in images(subject, "render").items():
        if not np.isfinite(render).all():
            raise Fault(f"{key}: the render holds NaN or infinite values; find out why.")


def render_scale(subject: Answered) -> None:
    for key, render in images(subject, "render").items():
        if np.abs(render).max() > 10:
            raise Fault(
                f"{key}: the render reaches {np.abs(render).max():.0f}; 1 is white, not 255."
            )


def render_with_region(subject: Answered) -> None:
    images(subject, "render")
    for key, answer in subject.answers.items():
        if answer.render is not None and answer.region is None:
            raise Fault(f"{key}: a render without its region; say which pixels it covers.")


def region_not_empty(subject: Answered) -> None:
    for key, region in images(subject, "region").items():
        if not region.any():
            raise Fault(f"{key}: the region covers no pixel; raise InputError instead.")


def region_covers_render(subject: Answered) -> None:
    images(subject, "render")
    for key, answer in subject.answers.items():
        if answer.render is None or answer.region is None:
            continue
        outside = (np.abs(answer.render) > _BLACK).any(axis=2) & ~answer.region
        if outside.any():
            raise Fault(
                f"{key}: {int(outside.sum())} pixels of the render lie outside its region and are "
                "not black; both have to end at the same pixels."
            )


def visible_range(subject: Answered) -> None:
    for key, visible in images(subject, "visible").items():
        if not np.isfinite(visible).all() or visible.min() < 0 or visible.max() > 1:
            raise Fault(
                f"{key}: visible goes from {visible.min():.3g} to {visible.max():.3g}; give a "
                "probability in [0, 1]."
            )


def parameters_usable(subject: Answered) -> None:
    named = [(k, name, v) for k, a in subject.answers.items() for name, v in a.parameters.items()]
    if not named:
        raise NotApplicable("it gives no parameters")
    for key, name, value in named:
        if not name.isidentifier():
            raise Fault(f"{key}: {name!r} is no name for a file in an archive; use letters.")
        if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "fiu":
            raise Fault(f"{key}: parameter {name} is no vector of numbers; give (N,) floats.")
        if not np.isfinite(value).all():
            raise Fault(f"{key}: parameter {name} holds NaN or infinite values; find out why.")


CHECKS: tuple[Check[Answered], ...] = (
    Check("something_given", "Every answer has a mesh, a render or a mask.", something_given),
    Check(
        "numpy_arrays",
        "All values are numpy arrays.",
        numpy_arrays,
        ("something_given",),
    ),
    Check(
        "mesh_shapes",
        "Vertices and triangles are (N, 3), with (7, 3) landmarks beside them.",
        mesh_shapes,
        ("numpy_arrays",),
    ),
    Check(
        "mesh_numbers",
        "Coordinates are floating-point numbers, triangles integers.",
        mesh_numbers,
        ("mesh_shapes",),
    ),
    Check("mesh_finite", "No coordinate is NaN or infinite.", mesh_finite, ("mesh_numbers",)),
    Check(
        "image_shapes",
        "Render (S, S, 3), region and mask (S, S) have the size of the aligned image.",
        image_shapes,
        ("numpy_arrays",),
    ),
    Check(
        "image_numbers",
        "Renders and masks are floating-point numbers, regions booleans.",
        image_numbers,
        ("image_shapes",),
    ),
    Check("render_finite", "No pixel is NaN or infinite.", render_finite, ("image_numbers",)),
    Check("render_scale", "White is 1, not 255.", render_scale, ("render_finite",)),
    Check(
        "render_with_region",
        "Every render says which pixels it covers.",
        render_with_region,
        ("image_numbers",),
    ),
    Check(
        "region_not_empty",
        "The region covers at least one pixel.",
        region_not_empty,
        ("image_numbers",),
    ),
    Check(
        "region_covers_render",
        "The render is black outside its region.",
        region_covers_render,
        ("render_with_region", "render_finite"),
    ),
    Check(
        "visible_range",
        "The mask is a probability in [0, 1].",
        visible_range,
        ("image_numbers",),
    ),
    Check(
        "parameters_usable",
        "Parameters are finite vectors with plain names.",
        parameters_usable,
        ("something_given",),
    ),
)
