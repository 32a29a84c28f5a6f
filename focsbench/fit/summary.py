"""What a call of ``focsbench fit`` found, as data."""

from __future__ import annotations

from typing import Any

from focsbench.fit.batch import PhotoResult
from focsbench.fit.fitter import FittedFace


def photo_summary(result: PhotoResult) -> dict[str, Any]:
    """Return the faces and failures of a photograph as plain data.

    box: left, top, right, bottom in pixels of the upright photograph. landmark_error_percent: of
    the distance of the outer eye corners. colour_error: grey levels of 255, null where no face is
    visible.
    """
    return {
        "photo": str(result.path),
        "folder": result.name if result.files is not None else None,
        "faces": [_face(fitted) for fitted in result.faces],
        "failures": result.failures,
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
