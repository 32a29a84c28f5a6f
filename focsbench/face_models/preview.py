"""Pictures of a face model for a critical eye: landmarks, modes, expressions, random faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from focsbench.geometry.normals import unit_vectors, vertex_normals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from focsbench.face_models.morphable_model import MorphableModel

Array = NDArray[Any]

_CLAY = np.array([0.78, 0.73, 0.70])
_LIGHTS = ((np.array([-0.45, 0.5, 0.75]), 0.62), (np.array([0.8, 0.1, 0.45]), 0.25))
_AMBIENT = 0.24
_BOX = (-110.0, 110.0, -115.0, 155.0)  # left, right, bottom, top of a view, mm
_SIGMAS, _EXPRESSION_SIGMAS = 3, 2.5
_SHOWN_EXPRESSIONS = (
    "jawOpen", "mouthSmileLeft", "mouthPucker", "browInnerUp", "eyeBlinkLeft", "noseSneerLeft",
    "residual01", "residual02", "residual03", "residual04",
    # the same in ICT-FaceKit, and some more
    "mouthSmile_L", "browInnerUp_L", "eyeBlink_L", "noseSneer_L",
    "mouthFunnel", "cheekPuff_L", "browDown_L", "eyeWide_L",
)  # fmt: skip


def view_rotation(yaw: float, pitch: float = 0.0) -> Array:
    """Rotation (3, 3): positive yaw (degrees) turns the face to the viewer's right, pitch up."""
    a, b = np.radians(yaw), np.radians(-pitch)
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return np.asarray(about_y @ about_x)


def render_view(
    vertices: Array,
    triangles: Array,
    *,
    yaw: float = 0.0,
    colours: Array | None = None,
    per_mm: float = 3.0,
    box: tuple[float, float, float, float] = _BOX,
) -> Array:
    """Shaded orthographic picture (H, W, 3) in [0, 1] on white.

    vertices: (V, 3) mm. colours: (V, 3) in [0, 1] per vertex, or None for clay.
    per_mm: pixels per millimetre. box: (left, right, bottom, top) in mm of the turned mesh.
    """
    from focsbench.rendering.numba_rasterizer import rasterize_arrays

    points = (np.asarray(vertices, dtype=np.float64) @ view_rotation(yaw).T).astype(np.float32)
    left, right, bottom, top = box
    width, height = round((right - left) * per_mm), round((top - bottom) * per_mm)
    xy = np.stack([(points[:, 0] - left) * per_mm, (top - points[:, 1]) * per_mm], axis=1)
    depth = 1000.0 - points[:, 2]
    ids, weights, _ = rasterize_arrays(xy, depth, triangles, height, width, cull=True)
    shade = _shade(unit_vectors(vertex_normals(points, triangles)))
    paint = _CLAY if colours is None else np.asarray(colours)
    shaded = (paint * shade[:, None]).astype(np.float32)
    picture = np.ones((height, width, 3), dtype=np.float32)
    seen = ids >= 0
    corners = shaded[triangles[ids[seen]]]
    picture[seen] = (weights[seen][:, :, None] * corners).sum(axis=1)
    return np.clip(picture, 0, 1)


def _shade(normals: Array) -> Array:
    """Brightness (V,) under two distant lights that stay with the viewer."""
    total = np.full(len(normals), _AMBIENT)
    for direction, power in _LIGHTS:
        unit = direction / np.linalg.norm(direction)
        total += power * np.clip(normals @ unit, 0, None)
    return total


def show_view(axes: Axes, vertices: Array, triangles: Array, title: str = "", **view: Any) -> None:
    """Draw :func:`render_view` into axes whose coordinates are the view's millimetres."""
    picture = render_view(vertices, triangles, **view)
    axes.imshow(picture, extent=view.get("box", _BOX), interpolation="antialiased")
    axes.set_title(title, fontsize=8, pad=2)
    axes.axis("off")


def save_preview(model: MorphableModel, path: Path) -> None:
    """Write one PNG of the model: numbered landmarks, modes of all kinds, random faces.

    Works for any MorphableModel of the project's frame; random faces use a fixed seed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 28), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.add_gridspec(5, 1, height_ratios=(8.2, 5.2, 5.2, 3.0, 6.4))
    parts = [figure.add_subfigure(rows[index]) for index in range(5)]
    _landmark_row(parts[0], model)
    _mode_rows(parts[1], model)
    _expression_rows(parts[2], model)
    _albedo_row(parts[3], model)
    _random_rows(parts[4], model)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def _landmark_row(part: SubFigure, model: MorphableModel) -> None:
    """The mean face, clay, with all landmarks (black) and the seven of NoW (red)."""
    part.suptitle(f"{model.name}: mean shape, 68 landmarks, 7 NoW landmarks (red)", fontsize=10)
    box = (-85.0, 85.0, -95.0, 95.0)
    for axes, yaw in zip(part.subplots(1, 2), (0, 40), strict=True):
        show_view(axes, model.fitted_mean, model.triangles, yaw=yaw, box=box, per_mm=6.0)
        points = model.fitted_mean[model.landmarks68] @ view_rotation(yaw).T
        for number, (x, y, _) in enumerate(points):
            axes.plot(x, y, "k.", markersize=3)
            axes.annotate(str(number), (x, y), (1.5, 1.5), textcoords="offset points", fontsize=6.5)
        seven = model.fitted_mean[model.landmarks7] @ view_rotation(yaw).T
        axes.plot(seven[:, 0], seven[:, 1], "o", color="#c0392b", markersize=7, fillstyle="none")


def _mode_rows(part: SubFigure, model: MorphableModel) -> None:
    """First five identity modes at plus and minus some sigmas."""
    part.suptitle(f"identity modes 1-5, -{_SIGMAS} and +{_SIGMAS} sigma", fontsize=10)
    grid = part.subplots(2, 10)
    for axes in grid.ravel():
        axes.axis("off")
    for place, (title, coefficients) in enumerate(_leading(len(model.identity_basis))):
        shape = model.shape(coefficients)
        for row, yaw in enumerate((0, 65)):
            name = title if row == 0 else ""
            show_view(grid[row, place], shape, model.triangles, name, yaw=yaw, per_mm=1.5)


def _expression_rows(part: SubFigure, model: MorphableModel) -> None:
    """Ten expressions: the well-known names at plus some sigmas, or the first five both ways."""
    grid = part.subplots(2, 5)
    box = (-85.0, 85.0, -95.0, 95.0)
    names = [name for name in _SHOWN_EXPRESSIONS if name in model.expression_names]
    count = len(model.expression_basis)
    if names:
        rows = np.eye(count)[[model.expression_names.index(name) for name in names]]
        shown = [(name, _EXPRESSION_SIGMAS * row) for name, row in zip(names, rows, strict=True)]
    else:
        shown = _leading(count, _EXPRESSION_SIGMAS)
    part.suptitle(f"expression modes, {_EXPRESSION_SIGMAS} sigma", fontsize=10)
    for axes in grid.ravel():
        axes.axis("off")
    still = np.zeros(len(model.identity_basis))
    for axes, (name, coefficients) in zip(grid.ravel(order="F"), shown, strict=False):
        shape = model.shape(still, coefficients)
        show_view(axes, shape, model.triangles, name, colours=_clipped(model.mean_albedo), box=box)


def _albedo_row(part: SubFigure, model: MorphableModel) -> None:
    """Mean colours, then the first five albedo modes at plus and minus some sigmas."""
    count = len(model.albedo_basis)
    kind = f"albedo modes 1-5, -{_SIGMAS} and +{_SIGMAS} sigma" if count else "no albedo modes"
    part.suptitle(f"mean albedo; {kind}", fontsize=10)
    grid = part.subplots(1, 11)
    for axes in grid:
        axes.axis("off")
    shown = [("mean", np.zeros(count)), *_leading(count)]
    for axes, (title, coefficients) in zip(grid, shown, strict=False):
        colours = _clipped(model.albedo(coefficients))
        show_view(axes, model.fitted_mean, model.triangles, title, colours=colours, per_mm=1.5)


def _leading(count: int, sigmas: float = _SIGMAS) -> list[tuple[str, Array]]:
    """Title and coefficients of up to five leading modes, minus and plus some sigmas."""
    return [
        (f"{mode + 1}: {sign * sigmas:+g}", sign * sigmas * np.eye(count)[mode])
        for mode in range(min(count, 5))
        for sign in (-1, 1)
    ]


def _clipped(colours: Array) -> Array:
    return np.asarray(np.clip(colours, 0, 1))


def _random_rows(part: SubFigure, model: MorphableModel) -> None:
    """Faces with random coefficients of all three kinds."""
    part.suptitle("random coefficients (identity, albedo, 0.7 x expression)", fontsize=10)
    rng = np.random.default_rng(1)
    for axes in part.subplots(2, 6).ravel():
        shape = model.shape(
            rng.normal(size=len(model.identity_basis)),
            0.7 * rng.normal(size=len(model.expression_basis)),
        )
        colours = _clipped(model.albedo(rng.normal(size=len(model.albedo_basis))))
        show_view(axes, shape, model.triangles, colours=colours, per_mm=2.0)
