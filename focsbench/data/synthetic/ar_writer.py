"""The embedded benchmark in the layout of the AR database with visible-face masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from focsbench.data.ar import SUBSET_BY_NUMBER
from focsbench.data.landmarks_csv import write_landmarks
from focsbench.data.synthetic.celebahq_writer import save_mask
from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.data.synthetic.parts import visible_face
from focsbench.data.synthetic.photo import take_photo
from focsbench.data.synthetic.records import PhotoRecord, noisy_landmarks
from focsbench.data.synthetic.seeds import generator
from focsbench.data.synthetic.shots import studio
from focsbench.data.synthetic.subjects import load_heads, sample_subject

# What each condition of the AR numbering wears; the conditions are those the reader knows.
WORN = {"unoccluded": (), "glasses": ("sunglasses",), "scarf": ("scarf",)}
FOLDERS = {"test": "AR", "val": "val_AR"}


@dataclass(frozen=True)
class ARJob:
    """One person of one split."""

    split: str
    subject: int


def plan(config: SyntheticConfig) -> list[ARJob]:
    """List the persons of both splits."""
    sizes = {"test": config.ar_subjects, "val": config.ar_val_subjects}
    return [ARJob(split, subject) for split, size in sizes.items() for subject in range(size)]


def write_person(job: ARJob, root: Path, config: SyntheticConfig) -> list[PhotoRecord]:
    """Write the photographs of one person, one per condition, with their masks."""
    folder = root / FOLDERS[job.split]
    subject = sample_subject(
        generator(config.seed, "ar", job.split, job.subject), config.identity_spread
    )
    person = f"{'m' if subject.masculine else 'w'}-{job.subject + 1:03d}"
    records = []
    for number, subset in SUBSET_BY_NUMBER.items():
        rng = generator(config.seed, "ar", job.split, job.subject, number)
        shot = studio(rng, config, load_heads().expression_names, WORN[subset])
        photo = take_photo(subject, shot, config.photo_size, rng)
        file = f"{person}-{number:02d}.png"
        Image.fromarray(photo.image).save(folder / "images" / file, compress_level=1)
        save_mask(folder / "masks" / file, visible_face(photo.labels))
        landmarks = noisy_landmarks(rng, photo, config)
        records.append(PhotoRecord(FOLDERS[job.split], file, person, subset, landmarks))
    return records


def make_folders(root: Path) -> None:
    """Create every folder that the workers write to."""
    for name in FOLDERS.values():
        (root / name / "images").mkdir(parents=True)
        (root / name / "masks").mkdir(parents=True)


def write_lists(root: Path, records: Sequence[PhotoRecord]) -> list[Path]:
    """Write the landmark lists; returns the files."""
    files = []
    for name in FOLDERS.values():
        mine = sorted((r for r in records if r.dataset == name), key=lambda r: r.file)
        files.append(root / name / "landmarks.csv")
        write_landmarks(files[-1], ((r.file, r.landmarks) for r in mine))
    return files
