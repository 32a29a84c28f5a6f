"""The values that travel between data, methods and protocols. Arrays only; no files, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]

UNREADABLE = "unreadable"  # subset of the failed rows of images that cannot be read
POOLED = "pooled"  # item of rows that describe many images
DONE_RATE = "done_rate"  # metric of the pooled rows with the share of images that have a value


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh.

    vertices: (V, 3) float, in mm unless a docstring says otherwise.
    triangles: (F, 3) int, outward normals by the right-hand rule.
    """

    vertices: FloatArray
    triangles: IntArray


@dataclass(frozen=True)
class Sample:
    """One aligned photograph as the networks see it.

    key: path-like identifier inside its dataset, e.g. ``subject/challenge/image`` (no suffix).
    subject: identity of the person (the unit of statistics).
    subset: the group a table reports, e.g. ``unoccluded``, ``glasses``, ``multiview_occlusions``.
    image: (S, S, 3) float32 in [0, 1], RGB.
    landmarks: (68, 2) float32, iBUG order, pixels, x right, y down, pixel centres at integers.
    visible_mask: (S, S) bool, true where the face is visible, or None where nobody labelled it.
    """

    key: str
    subject: str
    subset: str
    image: FloatArray
    landmarks: FloatArray
    visible_mask: BoolArray | None = None


@runtime_checkable
class FaceDataset(Protocol):
    """An indexable, finite set of samples. Reading one sample reads only its own files."""

    @property
    def name(self) -> str:
        """Name of the dataset as the result tables print it."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def keys(self) -> list[str]:
        """Keys of all samples in order, without reading any image."""
        ...


@dataclass(frozen=True)
class Reconstruction:
    """What a method says about one photograph.

    neutral: mesh in mm without expression and pose (uncropped), or None.
    landmarks7: (7, 3) NoW landmarks on that mesh, mm, or None.
    render: (S, S, 3) float32, reconstruction on black in the aligned frame (may leave [0, 1]).
    region: (S, S) bool, pixels that the reconstruction covers.
    visible: (S, S) float32 in [0, 1], estimated probability that the pixel shows the face
        (meaningful inside ``region`` only), or None for methods that do not segment.
    parameters: named coefficient vectors, e.g. ``identity``, ``expression``, ``pose``.
    seconds: wall time spent on this image, or None if it was not measured.
    """

    neutral: Mesh | None = None
    landmarks7: FloatArray | None = None
    render: FloatArray | None = None
    region: BoolArray | None = None
    visible: FloatArray | None = None
    parameters: dict[str, FloatArray] = field(default_factory=dict)
    seconds: float | None = None


@dataclass(frozen=True)
class ResultRow:
    """One tidy result: one number of one protocol for one item (or one pooled number).

    status is ``ok`` or ``failed``; a failed row has no value and a reason.
    ``item`` is a sample key, or ``pooled`` for numbers defined over many images only.
    """

    method: str
    protocol: str
    subset: str
    subject: str
    item: str
    metric: str
    value: float | None
    status: str = "ok"
    reason: str = ""


@dataclass(frozen=True)
class BaselineContext:
    """What a baseline is built from.

    face_model: name of the morphable model.
    image_size: side of the aligned images, pixels.
    method: the resolved method configuration as plain data (``FocsConfig`` fields).
    stages: folder of every training stage the baseline named in ``stages``.
    data_root: root folder of the dataset that will be reconstructed, or None.
    dataset: name of that dataset (``celeba``, ``ar``, ``now``).
    face_model_file: file or folder that the morphable model is read from, or None for a model
        that needs none; pass both to ``focsbench.face_models.load_face_model``.
    row: what this row needs for itself: ``weights`` (name of imported weights) and
        ``face_model_file`` (of a face model of its own), where it says so.
    engine: what runs the networks (``focsbench.inference``): ``torch`` or another name.
    """

    face_model: str
    image_size: int
    method: Mapping[str, Any] = field(default_factory=dict)
    stages: Mapping[str, Path] = field(default_factory=dict)
    data_root: Path | None = None
    dataset: str = ""
    face_model_file: Path | None = None
    row: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "torch"


class Baseline(Protocol):
    """One row of the tables, built from a context and asked for batches of reconstructions.

    name: identifier in files and results; label: how tables print it.
    stages: names of the training stages (``focsbench.focs.stages.STAGES``) it needs; stages that
    several baselines share are trained once.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    stages: ClassVar[tuple[str, ...]]

    def __init__(self, context: BaselineContext) -> None: ...

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct each sample; the list has the same length and order."""
        ...
