"""A submission for the test set of NoW: the predictions in the plainest official form.

One folder or one zip file::

    <subject>/<challenge>/<image>.obj     mesh (or .ply), read alike by every program
    <subject>/<challenge>/<image>.npy     its seven landmarks, (7, 3)
    README.txt                            what this is: method, unit, counts, form
    SHA256SUMS                            checksum of every file above

The same predictions give the same bytes. What the organisers ask for beyond the files (who, by
which way, how often) has to be read on the site of the benchmark.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from focsbench.data.encoding import npy_bytes
from focsbench.data.now import NoWItem
from focsbench.data.predictions import MM_PER_UNIT, PredictionFolder
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.io import read_landmarks7, read_mesh
from focsbench.now.check import CheckReport
from focsbench.progress import track
from focsbench.types import Mesh
from focsbench.user_files import read_bytes

README = "README.txt"
CHECKSUMS = "SHA256SUMS"
_UNSTATED = "not stated: for the evaluation without scale only"


@dataclass(frozen=True)
class Submission:
    """What is packed.

    predictions: folder of the method; items: images of the list; method: name of the method.
    unit: m, cm or mm, or None where only the evaluation without scale is asked for.
    """

    predictions: Path
    items: Sequence[NoWItem]
    method: str
    unit: str | None = None


def make_submission(
    predictions: Path,
    items: Sequence[NoWItem],
    output: Path,
    *,
    unit: str | None = None,
    name: str | None = None,
) -> Submission:
    """Check what a user has given; unit and name come from the folder where they are not.

    Raises:
        FocsbenchError: naming the folder or option that cannot be used.
    """
    folder = PredictionFolder(predictions)
    stated = folder.manifest.get("unit")
    if stated is not None and stated not in MM_PER_UNIT:
        folder.mm_per_unit()  # says what is wrong with it
    if unit is not None and stated not in (None, unit):
        raise ConfigError(
            f"--unit {unit}: {folder.folder / 'manifest.json'} says that the meshes are in "
            f"{stated}; correct one of the two."
        )
    method = predictions.resolve().name if name is None else name
    if not method.strip() or not method.isprintable():
        raise ConfigError(f"--name {method!r}: not usable as a name; use letters and digits.")
    _require_new(output)
    return Submission(predictions, items, method, unit or stated)


def write_submission(submission: Submission, report: CheckReport, output: Path) -> int:
    """Write a submission as a zip file or, without that suffix, as a folder.

    Args:
        submission: what is packed.
        report: of :func:`focsbench.now.check.check_predictions` on the same images.
        output: path that does not exist yet.

    Returns:
        Number of meshes that were written anew, because the official tool would misread them.

    Raises:
        InputError: if an image has no usable prediction; nothing is written then.
        ConfigError: if the output exists already or cannot be written.
    """
    if report.unusable:
        raise InputError(
            f"{submission.predictions}: {len(report.unusable)} of {len(submission.items)} images "
            f"have no usable prediction, the first is {report.unusable[0]}; nothing was written."
        )
    _require_new(output)
    files = _files(submission, report)
    # Complete under another name first, so that nobody takes half a submission for one.
    draft = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        (_write_zip if output.suffix.lower() == ".zip" else _write_folder)(draft, files)
        draft.rename(output)
    except OSError as error:
        raise ConfigError(
            f"{output}: cannot be written ({error.strerror}); choose another name."
        ) from None
    finally:
        if draft.is_dir():
            shutil.rmtree(draft)
        draft.unlink(missing_ok=True)
    return sum(check.is_misread for check in report.images.values())


def _require_new(output: Path) -> None:
    if output.exists():
        raise ConfigError(f"{output}: exists already; choose another name.")


def plain_obj(mesh: Mesh) -> bytes:
    """Return a mesh as an OBJ file of vertices and triangles, every digit and the order kept."""
    vertices = "v %.17g %.17g %.17g\n" * len(mesh.vertices)
    triangles = "f %d %d %d\n" * len(mesh.triangles)
    lines = vertices % tuple(mesh.vertices.astype(np.float64).ravel().tolist())
    return (lines + triangles % tuple((mesh.triangles + 1).ravel().tolist())).encode()


def _files(submission: Submission, report: CheckReport) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every file: sorted images, then the two about them."""
    folder = PredictionFolder(submission.predictions)
    sums = []
    items = sorted(submission.items, key=lambda item: item.key)
    for item in track(items, "pack", total=len(items)):
        mesh = folder.mesh_file(item.key)
        suffix, content = mesh.suffix, read_bytes(mesh, "mesh")
        if report.images[item.file].is_misread:
            suffix, content = ".obj", plain_obj(read_mesh(mesh))
        landmarks = npy_bytes(read_landmarks7(folder.landmark_file(item.key)))
        for name, data in ((f"{item.key}.npy", landmarks), (f"{item.key}{suffix}", content)):
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
            yield name, data
    readme = _readme(submission).encode()
    sums.append(f"{hashlib.sha256(readme).hexdigest()}  {README}\n")
    yield README, readme
    yield CHECKSUMS, "".join(sums).encode()


def _readme(submission: Submission) -> str:
    items = submission.items
    challenges = dict.fromkeys(sorted(item.challenge for item in items))
    counts = [f"  {name}: {sum(item.challenge == name for item in items)}" for name in challenges]
    return "\n".join(
        [
            "Submission to the NoW benchmark",
            "",
            f"Method: {submission.method}",
            f"Unit of the meshes: {submission.unit or _UNSTATED}",
            "Expression: the meshes are neutral (no expression, closed jaw, no pose), as the",
            "  benchmark asks for; this is a statement of the sender",
            f"Images: {len(items)}, all with mesh and landmarks",
            *counts,
            f"Subjects: {len({item.subject for item in items})}",
            "Files: <subject>/<challenge>/<image>.obj or .ply, and .npy with 7 landmarks (7, 3):",
            "  right eye outer and inner corner, left eye inner and outer corner, nose bottom,",
            "  right and left mouth corner; right is the subject's right",
            f"Checksums: {CHECKSUMS}; check them by: sha256sum -c {CHECKSUMS}",
            "",
        ]
    )


def _write_folder(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    for name, content in files:
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _write_zip(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    with ZipFile(path, "w") as archive:
        for name, content in files:
            entry = ZipInfo(name)  # with a fixed date, so the bytes do not depend on the clock
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = 3  # Unix everywhere
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
