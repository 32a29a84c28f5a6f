"""Error maps for the page: coarse meshes that can be turned, and pictures of two views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from focsbench.drawing.scan_views import COLOURS, RANGE_MM, render_view
from focsbench.geometry.clustering import ClusteredMesh, cluster_to
from focsbench.geometry.scan_crop import crop_ball
from focsbench.progress import track
from focsbench.reports.base import ReportContext
from focsbench.reports.scan_errors import ErrorMap, Person, error_maps, map_methods, pick_persons

from .encoding import array_base64, picture_uri

PERSONS = 4
MOST_VERTICES = 8000
UNIT_MM = 0.01  # of coordinates, int16
UNIT_ERROR_MM = 0.001  # of errors, uint16
VIEWS = {"front": 0.0, "three-quarter": 40.0}
SIZE = (108, 120)  # pixels of a picture
STOPS = 17  # of the colour scale


def map_data(context: ReportContext) -> dict[str, Any] | None:
    """Return meshes, errors and pictures of the maps, or None where the run has no scans.

    persons: subject, rule, vertices (int16, hundredths of a mm, axes of the face), triangles
    (uint16), and by method the subsets (errors in thousandths of a mm, uint16) and two pictures.
    """
    persons = pick_persons(context, PERSONS)
    methods = map_methods(context)
    if not persons:
        return None
    return {
        "range": RANGE_MM,
        "unit": UNIT_MM,
        "unitError": UNIT_ERROR_MM,
        "colours": _colours(),
        "methods": [[method, context.labels[method]] for method in methods],
        "focus": context.focus if context.focus in methods else methods[-1],
        "persons": [
            {"place": place} | _person(context, person, methods)
            for place, person in enumerate(track(persons, "error maps of the page"))
        ],
    }


def _person(context: ReportContext, person: Person, methods: list[str]) -> dict[str, Any]:
    surface = person.surface
    _, radius = crop_ball(surface.crop.landmarks.astype(np.float64))
    mesh = cluster_to(surface.upright * radius, surface.triangles, MOST_VERTICES)
    maps = {method: error_maps(context, person, method) for method in methods}
    return {
        "subject": person.subject,
        "rule": person.rule,
        "points": len(surface.crop.points),
        "vertices": array_base64(np.rint(mesh.vertices / UNIT_MM).astype(np.int16)),
        "triangles": array_base64(mesh.triangles.astype(np.uint16)),
        "maps": {method: _map(person, mesh, found) for method, found in maps.items() if found},
    }


def _map(person: Person, mesh: ClusteredMesh, maps: Mapping[str, ErrorMap]) -> dict[str, Any]:
    whole = next(iter(maps.values()))
    views = {
        name: np.rint(255 * render_view(person.surface, whole.errors, yaw, SIZE)).astype(np.uint8)
        for name, yaw in VIEWS.items()
    }
    return {
        "subsets": {
            subset: {
                "errors": array_base64(_thousandths(mesh, found)),
                "mean": round(found.mean, 3),
                "images": found.images,
            }
            for subset, found in maps.items()
        },
        "views": {name: picture_uri(view) for name, view in views.items()},
    }


def _thousandths(mesh: ClusteredMesh, found: ErrorMap) -> NDArray[np.uint16]:
    units = np.rint(mesh.average(found.errors) / UNIT_ERROR_MM)
    clipped: NDArray[np.uint16] = np.minimum(units, np.iinfo(np.uint16).max).astype(np.uint16)
    return clipped


def _colours() -> list[str]:
    colours = mpl.colormaps[COLOURS](np.linspace(0, 1, STOPS), bytes=True)
    return [f"rgb({red},{green},{blue})" for red, green, blue, _ in colours.tolist()]
