"""What a call of ``focsbench fit`` found, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from focsbench.fit.batch import PhotoResult
from focsbench.fit.fitter import FittedFace


def summary_of(results: Sequence[PhotoResult], facts: Mapping[str, str]) -> dict[str, Any]:
    """Return plain data: facts, and per photograph its faces and failures.

    box: left, top, right, bottom in pixels of the upright photograph. landmark_error_percent: of
    the distance of the outer eye corners. colour_error: grey levels of 255, null where no face is
    visible.
    """
    return {
        **facts,
        "photos": [
            {
                "photo": str(result.path),
                "folder": result.name if result.files is not None else None,
                "faces": [_face(fitted) for fitted in result.faces],
                "failures": result.failures,
            }
            for result in results
        ],
    }


def _face(fitted: FittedFace) -> dict[str, Any]:
    colour = fitted.colour_error
    return {
        "box": [round(edge, 2) for edge in fitted.face.box],
        "landmark_error_percent": round(fitted.landmark_error, 3),
        "colour_error": None if colour is None else round(colour, 3),
        "visible_share": round(float(fitted.visible[fitted.region].mean()), 4)
        if fitted.region.any()
        else None,
    }
