"""The embedded benchmark in the layout of NoW: photographs, neutral scans, picked landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from focsbench.data.landmarks_csv import write_landmarks
from focsbench.data.now import PHOTOS
from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.data.synthetic.photo import take_photo
from focsbench.data.synthetic.records import PhotoRecord, noisy_landmarks
from focsbench.data.synthetic.scans import make_scan
from focsbench.data.synthetic.seeds import generator
from focsbench.data.synthetic.shots import Shot, draw_occluders, portrait, selfie
from focsbench.data.synthetic.subjects import Subject, load_heads, sample_subject
from focsbench.geometry.five_points import NOW_LANDMARKS
from focsbench.geometry.io import write_mesh
from focsbench.types import FloatArray, Mesh

FOLDERS = {"test": "NoW", "val": "val_NoW"}


@dataclass(frozen=True)
class NoWJob:
    """One person of one split."""

    split: str
    subject: int

    @property
    def name(self) -> str:
        """Name of the subject's folder."""
        return f"SYN_{self.split}_{self.subject:03d}"


def plan(config: SyntheticConfig) -> list[NoWJob]:
    """List the persons of both splits."""
    sizes = {"test": config.now_subjects, "val": config.now_val_subjects}
    return [NoWJob(split, subject) for split, size in sizes.items() for subject in range(size)]


def challenges(config: SyntheticConfig) -> dict[str, int]:
    """Photographs per person and challenge."""
    return {
        "multiview_neutral": config.now_neutral,
        "multiview_occlusions": config.now_occlusions,
        "multiview_expressions": config.now_expressions,
        "selfie": config.now_selfies,
    }


def _shot(rng: np.random.Generator, challenge: str, config: SyntheticConfig) -> Shot:
    names = load_heads().expression_names
    if challenge == "selfie":
        return selfie(rng, config, names, ())
    occluders = draw_occluders(rng) if challenge == "multiview_occlusions" else ()
    expressive = challenge == "multiview_expressions"
    return portrait(rng, config, names, occluders, expressive=expressive)


def picked_points(points: FloatArray) -> str:
    """Return the text of a MeshLab PickedPoints file: eight lines, then one point per line."""
    header = (
        "<!DOCTYPE PickedPoints>",
        "<PickedPoints>",
        " <DocumentData>",
        '  <DateTime date="2022-03-11" time="00:00:00"/>',
        '  <User name="focsbench"/>',
        '  <DataFileName name="scan.obj"/>',
        '  <templateName name=""/>',
        " </DocumentData>",
    )
    lines = [
        f' <point x="{x:.6f}" y="{y:.6f}" z="{z:.6f}" active="1" name="{index}"/>'
        for index, (x, y, z) in enumerate(points)
    ]
    return "\n".join([*header, *lines, "</PickedPoints>", ""])


def _write_scan(job: NoWJob, subject: Subject, root: Path, config: SyntheticConfig) -> None:
    heads = load_heads()
    head = heads.head(subject.identity)
    landmarks = head[heads.landmarks68].astype(np.float64)
    rng = generator(config.seed, "now", job.split, job.subject, "scan")
    scan, picked = make_scan(rng, head, heads.triangles, landmarks, config.scan_noise_mm)
    base = root / FOLDERS[job.split]
    for folder in ("scans", "scans_lmks_onlypp"):
        (base / folder / job.name).mkdir()
    write_mesh(base / "scans" / job.name / "scan.obj", scan)
    points = base / "scans_lmks_onlypp" / job.name / "scan_picked_points.pp"
    points.write_text(picked_points(picked), encoding="utf-8")
    answers = root / "ground_truth" / FOLDERS[job.split]
    write_mesh(answers / f"{job.name}.ply", Mesh(head, heads.triangles))
    np.save(answers / f"{job.name}.npy", landmarks[list(NOW_LANDMARKS)], allow_pickle=False)


def write_person(job: NoWJob, root: Path, config: SyntheticConfig) -> list[PhotoRecord]:
    """Write scan, landmarks, true mesh and photographs of one person."""
    subject = sample_subject(
        generator(config.seed, "now", job.split, job.subject), config.identity_spread
    )
    _write_scan(job, subject, root, config)
    records, number = [], 0
    for challenge, count in challenges(config).items():
        for index in range(count):
            rng = generator(config.seed, "now", job.split, job.subject, challenge, index)
            shot = _shot(rng, challenge, config)
            photo = take_photo(subject, shot, config.photo_size, rng)
            file = f"{job.name}/{challenge}/IMG_{number:04d}.jpg"
            path = root / FOLDERS[job.split] / PHOTOS / file
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(photo.image).save(path, quality=95, subsampling=0)
            landmarks = noisy_landmarks(rng, photo, config)
            records.append(PhotoRecord(FOLDERS[job.split], file, job.name, challenge, landmarks))
            number += 1
    return records


def make_folders(root: Path) -> None:
    """Create the folders that the workers share."""
    for name in FOLDERS.values():
        for folder in ("scans", "scans_lmks_onlypp"):
            (root / name / folder).mkdir(parents=True)
        (root / name / PHOTOS).mkdir(parents=True)
        (root / "ground_truth" / name).mkdir(parents=True)


def write_lists(root: Path, records: Sequence[PhotoRecord]) -> list[Path]:
    """Write image lists and landmark lists; returns the files."""
    files = []
    for name in FOLDERS.values():
        mine = sorted((r for r in records if r.dataset == name), key=lambda r: r.file)
        files += [
            root / name / "imagepathsvalidation.txt",
            root / name / "nowchallenge_landmarks.csv",
        ]
        files[-2].write_text("".join(f"{r.file}\n" for r in mine), encoding="utf-8")
        write_landmarks(files[-1], ((r.file, r.landmarks) for r in mine))
    return files
