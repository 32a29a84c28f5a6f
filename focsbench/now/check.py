"""Predictions against an image list, before they are scored or sent: what is missing or wrong."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from focsbench.data.now import NoWItem, read_image_list
from focsbench.data.predictions import LANDMARK_SUFFIXES, MESH_SUFFIXES, PredictionFolder
from focsbench.errors import InputError
from focsbench.geometry.diagnosis import UNSCORABLE, diagnose_landmarks, diagnose_prediction
from focsbench.geometry.diagnosis_finding import Finding, Severity, error, warning
from focsbench.geometry.io import read_landmarks7, read_mesh_with_notes
from focsbench.now.misread import MISREAD, misread_findings
from focsbench.now.opened import opened
from focsbench.processes import run_jobs
from focsbench.progress import track
from focsbench.types import FloatArray, Mesh

IMAGE_LISTS = {"validation": "imagepathsvalidation.txt", "test": "imagepathstest.txt"}
_FEW = 32  # images that are checked before worker processes have started
# Files of a predictions folder that belong to no image of NoW's own form.
_KNOWN_FILES = frozenset({"manifest.json", "seconds.json", "README.txt", "SHA256SUMS"})
_OWN_SUFFIXES = ("_render.png", "_region.png", "_visible.png", "_parameters.npz")


@dataclass(frozen=True)
class ImageCheck:
    """What is to be said about one image.

    findings: errors and warnings, none of them about other images.
    is_misread: whether the official tool would take the mesh for another one.
    topology: the same for meshes with the same triangles; empty where none could be read.
    """

    findings: tuple[Finding, ...]
    is_misread: bool = False
    topology: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


@dataclass(frozen=True)
class CheckReport:
    """What is to be said about a folder.

    images: by line of the image list, in its order.
    general: findings that belong to no image of the list.
    """

    images: Mapping[str, ImageCheck]
    general: tuple[Finding, ...]

    @property
    def unusable(self) -> list[str]:
        """Lines of the images that have no usable prediction."""
        return [line for line, check in self.images.items() if not check.is_usable]

    def grouped(self) -> dict[tuple[Severity, str], list[tuple[str, str]]]:
        """Return (line, message) by severity and name, errors first; general ones have no line."""
        groups: dict[tuple[Severity, str], list[tuple[str, str]]] = {}
        entries = [(line, one) for line, check in self.images.items() for one in check.findings]
        for line, finding in [*entries, *(("", one) for one in self.general)]:
            groups.setdefault((finding.severity, finding.name), []).append((line, finding.message))
        return dict(sorted(groups.items(), key=lambda group: (group[0][0].value, group[0][1])))


def report_lines(report: CheckReport, *, verbose: bool = False) -> list[str]:
    """Return one line per kind of finding with its first image, or one line per finding."""
    lines = []
    for (severity, name), hits in report.grouped().items():
        if verbose:
            lines += [
                f"{severity} {name}: {f'{line}: ' if line else ''}{text}" for line, text in hits
            ]
            continue
        line, text = hits[0]
        where = f"{len(hits)} of {len(report.images)} images, the first is {line}: " if line else ""
        lines.append(f"{severity} {name}: {where}{text}")
    return lines


def listed_images(source: Path, split: str) -> list[NoWItem]:
    """Read an image list, or the list of a split from a dataset folder.

    Raises:
        InputError: if there is none.
    """
    return read_image_list(source / IMAGE_LISTS[split] if source.is_dir() else source)


def check_predictions(predictions: Path, items: Sequence[NoWItem], workers: int) -> CheckReport:
    """Check every image of a list; the number of workers changes nothing but the time.

    Raises:
        InputError: if there is no such folder, or its manifest is damaged.
    """
    folder = PredictionFolder(predictions)
    found: dict[int, ImageCheck] = {}
    for number, check in track(
        _checks(predictions, items, workers), "check predictions", total=len(items)
    ):
        found[number] = check
    images = {item.file: found[number] for number, item in enumerate(items)}
    general = (*_other_topologies(images), *_unexpected_files(folder, items))
    return CheckReport(images, general)


def check_image(folder: PredictionFolder, key: str) -> ImageCheck:
    """Check the mesh and the landmarks of one image."""
    findings: list[Finding] = []
    mesh, landmarks, misread = None, None, list[Finding]()
    try:
        path = folder.mesh_file(key)
        mesh, notes = read_mesh_with_notes(path)
        misread = misread_findings(path, notes)
    except InputError as problem:
        findings.append(error("no_mesh", folder.relative(str(problem))))
    try:
        path = folder.landmark_file(key)
        landmarks = read_landmarks7(path)
        findings += _misread_landmarks(path)
    except InputError as problem:
        findings.append(error("no_landmarks", folder.relative(str(problem))))
    if mesh is not None and landmarks is not None:
        findings += _diagnosis(mesh, landmarks)
    findings += misread + _twins(folder, key)
    return ImageCheck(tuple(findings), bool(misread), "" if mesh is None else _topology(mesh))


def _diagnosis(mesh: Mesh, landmarks: FloatArray) -> list[Finding]:
    found = diagnose_prediction(mesh, landmarks)
    if any(finding.name in UNSCORABLE for finding in found):
        return found
    return found + diagnose_landmarks(mesh, landmarks)


@dataclass(frozen=True)
class _Job:
    predictions: Path
    key: str


def _check_job(job: _Job) -> ImageCheck:
    return check_image(opened(job.predictions), job.key)


def _checks(
    predictions: Path, items: Sequence[NoWItem], workers: int
) -> Iterator[tuple[int, ImageCheck]]:
    jobs = [_Job(predictions, item.key) for item in items]
    if workers == 1 or len(jobs) < _FEW:
        yield from ((number, _check_job(job)) for number, job in enumerate(jobs))
        return
    for number, future in run_jobs(_check_job, jobs, workers):
        yield number, future.result()


def _misread_landmarks(path: Path) -> list[Finding]:
    """The official reader splits each line of a text at every single blank, and drops no line."""
    if path.suffix != ".txt":
        return []
    text = path.read_text(encoding="ascii", errors="replace")
    columns = [len(line.split(" ")) for line in text.splitlines()]
    if columns == [3] * 7:
        return []
    return [
        warning(
            MISREAD,
            "the landmarks are read as meant here, but the official evaluation wants seven lines "
            "of three numbers with one blank between; save them as .npy, as `focsbench now pack` "
            "does.",
        )
    ]


def _topology(mesh: Mesh) -> str:
    triangles = np.ascontiguousarray(mesh.triangles, dtype=np.int64)
    digest = hashlib.sha256(triangles.tobytes()).hexdigest()[:12]
    return f"{len(mesh.vertices)} vertices, {len(triangles)} triangles, {digest}"


def _twins(folder: PredictionFolder, key: str) -> list[Finding]:
    """Files of the same image of which only the first is ever read."""
    findings = []
    for what, suffixes in (("meshes", MESH_SUFFIXES), ("landmark files", LANDMARK_SUFFIXES)):
        there = [one for one in suffixes if (folder.folder / f"{key}{one}").is_file()]
        if len(there) > 1:
            findings.append(
                warning(
                    f"two_{what.replace(' ', '_')}",
                    f"{there[0]} and {there[1]} are both there and only {there[0]} is read; "
                    "delete the other.",
                )
            )
    return findings


def _other_topologies(images: Mapping[str, ImageCheck]) -> list[Finding]:
    """One hint where not all meshes have the same triangles, as those of one model have."""
    counts = Counter(check.topology for check in images.values() if check.topology)
    if len(counts) < 2:
        return []
    usual, number = counts.most_common(1)[0]
    line, other = next(
        (line, check.topology)
        for line, check in images.items()
        if check.topology and check.topology != usual
    )
    return [
        warning(
            "topology_differs",
            f"{sum(counts.values()) - number} of {sum(counts.values())} meshes have other "
            f"triangles than the rest, the first is {line} ({other} against {usual}); check that "
            "one model made all of them.",
        )
    ]


def _unexpected_files(folder: PredictionFolder, items: Sequence[NoWItem]) -> list[Finding]:
    """One hint for files that no image of the list asks for."""
    expected = {
        f"{item.key}{suffix}"
        for item in items
        for suffix in (*MESH_SUFFIXES, *LANDMARK_SUFFIXES, *_OWN_SUFFIXES)
    }
    found = [
        path.relative_to(folder.folder).as_posix()
        for path in sorted(folder.folder.rglob("*"))
        if not path.is_dir()
    ]
    strange = [
        name
        for name in found
        if name not in expected | _KNOWN_FILES and not name.startswith("results/")
    ]
    if not strange:
        return []
    return [
        warning(
            "unexpected_files",
            f"{len(strange)} files belong to no image of the list, the first is {strange[0]}; "
            "check their names, or delete them.",
        )
    ]
