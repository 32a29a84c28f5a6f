"""Reconstructions on disk: the contract between methods and protocols.

A method is scored from a folder of files, so anything that can write files can be scored::

    <predictions>/manifest.json
    <predictions>/<key>.ply               neutral mesh (or .obj, which wins where both exist)
    <predictions>/<key>.npy               its seven NoW landmarks, (7, 3) floats (or .txt)
    <predictions>/<key>_render.png        reconstruction on black, RGB, aligned frame
    <predictions>/<key>_region.png        pixels that the reconstruction covers, 255 or 0
    <predictions>/<key>_visible.png       probability that a pixel shows the face, 0 to 255
    <predictions>/<key>_parameters.npz    named coefficient vectors, no pickles
    <predictions>/seconds.json            {key: wall seconds}, where measured

``<key>`` is the key of the sample, in NoW ``<subject>/<challenge>/<image>``. Every file is
optional: a protocol asks for what it needs. The mesh is *neutral* (no expression, no pose),
uncropped, x to the subject's left, y up, z out of the nose, in the unit the manifest names.
Landmarks are, in this order, right eye outer and inner corner, left eye inner and outer corner,
nose bottom (subnasale), right and left mouth corner; right is the subject's right. The images
have the size of the aligned sample that the method was given.

manifest.json::

    {"method": "focs", "label": "FOCS", "unit": "mm", "dataset": "celeba", "image_size": 96,
     "created_by": "focsbench 0.1.0", "provides": ["neutral", "region", "render", "visible"],
     "failures": {"<key>": "reason"}}

``provides`` names what the method gives for images that did not fail; a protocol skips a method
that does not give what it measures. Without a manifest the folder is taken for one in the plain
official NoW form: meshes and landmarks only, unit unknown.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

import numpy as np

from focsbench import __version__
from focsbench.data.encoding import json_bytes, npy_bytes, npz_bytes, png_bytes
from focsbench.data.npz import read_npz
from focsbench.data.photos import open_image
from focsbench.errors import ConfigError, InputError, brief, shown
from focsbench.files import write_atomically
from focsbench.geometry.io import ply_bytes, read_landmarks7, read_mesh
from focsbench.storage import storage_error
from focsbench.types import BoolArray, FloatArray, Mesh, Reconstruction
from focsbench.user_files import read_bytes, read_json_object

MESH_SUFFIXES = (".obj", ".ply")  # the first that is there is read
LANDMARK_SUFFIXES = (".npy", ".txt")
MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
_SUFFIXES = (".obj", ".ply", "_render.png", "_region.png", "_visible.png", "_parameters.npz")
_PARAMETER_BYTES = 64 << 20  # unpacked; far above coefficient vectors, far below a zip bomb


class PredictionWriter:
    """Writes one predictions folder; use as a context manager.

    Each file appears whole or not at all. The manifest is written when the block is left without
    an error, so a folder without one was not finished (or is not ours).

    failures: reason by key of what failed so far; files: what was written so far, the manifest
    left out.
    """

    def __init__(
        self,
        folder: Path,
        *,
        method: str,
        label: str,
        dataset: str,
        image_size: int | None,
        unit: str | None = "mm",
        notes: Mapping[str, str] | None = None,
    ) -> None:
        """unit: of the meshes, None if they have none; notes: more entries of the manifest."""
        self._folder = folder
        self._manifest: dict[str, Any] = {
            "method": method,
            "label": label,
            "unit": unit,
            "dataset": dataset,
            "image_size": image_size,
            "created_by": f"focsbench {__version__}",
            **(notes or {}),
        }
        self._provides: set[str] = set()
        self._seconds: dict[str, float] = {}
        self.failures: dict[str, str] = {}
        self.files: list[Path] = []

    def __enter__(self) -> PredictionWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()

    def write(self, key: str, reconstruction: Reconstruction) -> None:
        """Write what a reconstruction holds.

        Raises:
            InputError: if the key leaves the folder or a number is not finite; record it with
                :meth:`fail`.
        """
        _check_finite(key, reconstruction)
        stem = _stem(self._folder, key)
        files: dict[str, bytes] = {}
        if reconstruction.neutral is not None and reconstruction.landmarks7 is not None:
            self._provides.add("neutral")
            files[".ply"] = ply_bytes(reconstruction.neutral)
            files[".npy"] = npy_bytes(reconstruction.landmarks7)
        for name in ("render", "region", "visible"):
            image = getattr(reconstruction, name)
            if image is not None:
                self._provides.add(name)
                files[f"_{name}.png"] = png_bytes(image)
        files["_parameters.npz"] = npz_bytes(reconstruction.parameters)
        for suffix, content in files.items():
            path = _beside(stem, suffix)
            _write(path, content)
            self.files.append(path)
        if reconstruction.seconds is not None:
            self._seconds[key] = reconstruction.seconds

    def fail(self, key: str, reason: str) -> None:
        """Record that the method has no answer for an image, and why."""
        self.failures[key] = reason

    def facts(self) -> dict[str, Any]:
        """Return what the manifest will say, as JSON values for :meth:`add`."""
        return {
            "provides": sorted(self._provides),
            "failures": self.failures,
            "seconds": self._seconds,
        }

    def add(self, facts: Mapping[str, Any]) -> None:
        """Take over what another writer of the same folder has written and noted."""
        self._provides.update(facts["provides"])
        self.failures.update(facts["failures"])
        self._seconds.update(facts["seconds"])

    def _finish(self) -> None:
        manifest = {**self._manifest, "failures": dict(sorted(self.failures.items()))}
        if self._provides:  # a method that failed everywhere is asked for everything
            manifest["provides"] = sorted(self._provides)
        _write(self._folder / "manifest.json", json_bytes(manifest))
        if self._seconds:
            rounded = {key: round(value, 6) for key, value in sorted(self._seconds.items())}
            _write(self._folder / "seconds.json", json_bytes(rounded))


class PredictionFolder:
    """Reads one predictions folder; every reader raises InputError where nothing usable is."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such predictions folder; check the path.")
        self.folder = folder
        self._root = os.path.realpath(folder)
        self.manifest = _read_manifest(folder / "manifest.json")
        self._failures: Mapping[str, str] = self.manifest.get("failures", {})

    def provides(self, name: str) -> bool:
        """Whether the method gives ``neutral``, ``render``, ``region`` or ``visible`` at all."""
        official = ["neutral"] if not self.manifest else ["neutral", "render", "region", "visible"]
        return name in self.manifest.get("provides", official)

    def mm_per_unit(self) -> float:
        """Millimetres per unit of the meshes.

        Raises:
            InputError: if the manifest names no unit, or one that is not mm, cm or m.
        """
        unit = self.manifest.get("unit")
        if not isinstance(unit, str) or unit not in MM_PER_UNIT:
            raise InputError(
                f"{self.folder / 'manifest.json'}: the unit of the meshes is {shown(unit)}; "
                f"name one of {', '.join(MM_PER_UNIT)}."
            )
        return MM_PER_UNIT[unit]

    def geometry(self, key: str) -> tuple[Mesh, FloatArray]:
        """Return the neutral mesh and its (7, 3) landmarks, both in the folder's unit."""
        return read_mesh(self.mesh_file(key)), read_landmarks7(self.landmark_file(key))

    def mesh_file(self, key: str) -> Path:
        """Return the file that holds the mesh of an image: .obj, else .ply."""
        return self._inside(_first(self.stem(key), MESH_SUFFIXES, "mesh"))

    def landmark_file(self, key: str) -> Path:
        """Return the file that holds the landmarks of an image: .npy, else .txt."""
        return self._inside(_first(self.stem(key), LANDMARK_SUFFIXES, "landmark file"))

    def render(self, key: str) -> FloatArray:
        """Return the render as (S, S, 3) float32 in [0, 1]."""
        image = open_image(self._file(key, "_render.png"), "RGB")
        return np.asarray(image, dtype=np.float32) / 255

    def region(self, key: str) -> BoolArray:
        """Return the covered pixels as (S, S) bool."""
        return np.asarray(open_image(self._file(key, "_region.png"), "L")) > 127

    def visible(self, key: str) -> FloatArray:
        """Return the probability of visible face as (S, S) float32 in [0, 1]."""
        image = open_image(self._file(key, "_visible.png"), "L")
        return np.asarray(image, dtype=np.float32) / 255

    def parameters(self, key: str) -> dict[str, FloatArray]:
        """Return the named coefficient vectors."""
        path = self._file(key, "_parameters.npz")
        try:
            return read_npz(read_bytes(path, "parameter file", _PARAMETER_BYTES), _PARAMETER_BYTES)
        except ValueError as error:
            raise InputError(
                f"{path}: not readable as parameters ({brief(error)}); write it again."
            ) from None

    def _file(self, key: str, suffix: str) -> Path:
        return self._inside(_beside(self.stem(key), suffix))

    def _inside(self, path: Path) -> Path:
        """Refuse links that lead out of the folder: a submission must not show other files."""
        real = os.path.realpath(path)
        if os.path.commonpath([real, self._root]) != self._root:
            raise InputError(
                f"{path}: a link out of the predictions folder; put the file itself there."
            )
        return path

    def relative(self, message: str) -> str:
        """Return a message with paths inside the folder made relative to it.

        Results stay the same wherever the folder lies.
        """
        return message.replace(f"{self.folder}{os.sep}", "")

    def stem(self, key: str) -> Path:
        """Path of an image's files without their suffixes.

        Raises:
            InputError: if the method failed on the image, or the key leaves the folder.
        """
        if key in self._failures:
            raise InputError(f"{key}: the method failed on this image: {self._failures[key]}")
        return _stem(self.folder, key)


def read_reconstruction(folder: Path, key: str) -> Reconstruction:
    """Read all that a predictions folder holds about one image, the mesh converted to mm.

    Raises:
        InputError: if the method failed on the image, a file is damaged, or nothing is there.
    """
    source = PredictionFolder(folder)
    there = {suffix for suffix in _SUFFIXES if _beside(source.stem(key), suffix).is_file()}
    mesh, landmarks = None, None
    # Where nothing is there, the reader of the mesh names the file that is missing.
    if not there or there & {".ply", ".obj"}:
        raw, points = source.geometry(key)
        scale = source.mm_per_unit() if source.manifest else 1.0
        mesh, landmarks = Mesh(raw.vertices * scale, raw.triangles), points * scale
    return Reconstruction(
        neutral=mesh,
        landmarks7=landmarks,
        render=source.render(key) if "_render.png" in there else None,
        region=source.region(key) if "_region.png" in there else None,
        visible=source.visible(key) if "_visible.png" in there else None,
        parameters=source.parameters(key) if "_parameters.npz" in there else {},
    )


def _stem(folder: Path, key: str) -> Path:
    """Folder / key, refusing keys that would leave the folder."""
    parts = PurePosixPath(key).parts
    if not key or key.startswith("/") or "\\" in key or ".." in parts:
        raise InputError(f"{key!r} is not a usable image key: use names joined by '/'.")
    return folder.joinpath(*parts)


def _beside(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _first(stem: Path, suffixes: tuple[str, ...], what: str) -> Path:
    for suffix in suffixes:
        if _beside(stem, suffix).is_file():
            return _beside(stem, suffix)
    raise InputError(
        f"{_beside(stem, suffixes[0])} (or {suffixes[1]}): the {what} is missing; "
        "run the method on this image."
    )


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    manifest = read_json_object(path, "manifest")
    if not isinstance(manifest.get("failures", {}), dict) or not isinstance(
        manifest.get("provides", []), list
    ):
        raise InputError(
            f"{path}: expected an object with 'failures' as {{key: reason}} and 'provides' as a "
            "list; write it again."
        )
    return manifest


def _check_finite(key: str, reconstruction: Reconstruction) -> None:
    arrays: dict[str, FloatArray | None] = {
        "landmarks": reconstruction.landmarks7,
        "render": reconstruction.render,
        "visible": reconstruction.visible,
        **reconstruction.parameters,
    }
    if reconstruction.neutral is not None:
        arrays["mesh"] = reconstruction.neutral.vertices
    for name, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            raise InputError(f"{key}: the {name} of the reconstruction is not finite.")


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content, flushed=False)
    except OSError as error:
        raise storage_error(error, path.parent) or ConfigError(
            f"{path}: cannot be written ({error.strerror}); choose another output folder."
        ) from None
