"""The embedded benchmark in the layout of CelebAMask-HQ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from focsbench.data.celebahq_rules import PAINT_ORDER
from focsbench.data.landmarks_csv import write_landmarks
from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.data.synthetic.parts import LABEL
from focsbench.data.synthetic.photo import Photo, take_photo
from focsbench.data.synthetic.records import PhotoRecord, noisy_landmarks
from focsbench.data.synthetic.seeds import generator
from focsbench.data.synthetic.shots import draw_occluders, portrait
from focsbench.data.synthetic.subjects import load_heads, sample_subject
from focsbench.types import BoolArray

FOLDER = "CelebAMask-HQ"
# First original index of each split in CelebA, so that the official rule finds our splits.
FIRST_ORIGINAL = {"train": 0, "val": 162771, "test": 182638}


@dataclass(frozen=True)
class CelebAJob:
    """All photographs of one person: image numbers of one split."""

    split: str
    subject: int
    images: tuple[int, ...]


def split_sizes(config: SyntheticConfig) -> dict[str, int]:
    """Number of photographs per split, in the order of the image numbers."""
    return {
        "train": config.celeba_train,
        "val": config.celeba_val,
        "test": config.celeba_test,
    }


def plan(config: SyntheticConfig) -> list[CelebAJob]:
    """Split the image numbers into persons. No person is in two splits."""
    jobs, first = [], 0
    for split, size in split_sizes(config).items():
        share = (
            config.train_images_per_subject if split == "train" else config.eval_images_per_subject
        )
        numbers = range(first, first + size)
        for subject, start in enumerate(range(0, size, share)):
            jobs.append(CelebAJob(split, subject, tuple(numbers[start : start + share])))
        first += size
    return jobs


def is_occluded(index: int, fraction: float) -> bool:
    """Spread the occluded images evenly over the numbers, at exactly the wanted share."""
    return int((index + 1) * fraction) > int(index * fraction)


def part_mask(photo: Photo, part: str) -> BoolArray:
    """Return where a part is annotated.

    ``eye_g`` covers frames and the whole of the lenses, also before an eye that stays visible; the
    eye is annotated on top, as in CelebAMask-HQ.
    """
    mask: BoolArray = photo.labels == LABEL[part]
    if part == "eye_g":
        mask |= photo.lens & np.isin(photo.labels, [LABEL["l_eye"], LABEL["r_eye"]])
    return mask


def save_mask(path: Path, mask: BoolArray) -> None:
    """Write a mask as an 8-bit grey PNG, 0 or 255."""
    Image.fromarray(mask.astype(np.uint8) * 255).save(path, compress_level=1)


def write_person(job: CelebAJob, root: Path, config: SyntheticConfig) -> list[PhotoRecord]:
    """Write photographs, part masks and (not for training) ideal photographs of one person."""
    subject = sample_subject(
        generator(config.seed, "celeba", job.split, job.subject), config.identity_spread
    )
    names = load_heads().expression_names
    records = []
    for index in job.images:
        rng = generator(config.seed, "celeba", job.split, job.subject, index)
        occluded = is_occluded(index, config.occluded_fraction)
        occluders = draw_occluders(rng) if occluded else ()
        shot = portrait(rng, config, names, occluders)
        photo = take_photo(subject, shot, config.photo_size, rng, with_ideal=job.split != "train")
        image = Image.fromarray(photo.image)
        image.save(root / FOLDER / "CelebA-HQ-img" / f"{index}.jpg", quality=95, subsampling=0)
        folder = root / FOLDER / "CelebAMask-HQ-mask-anno" / str(index // 2000)
        for part in PAINT_ORDER:
            mask = part_mask(photo, part)
            if mask.any():
                save_mask(folder / f"{index:05d}_{part}.png", mask)
        if photo.ideal is not None:
            Image.fromarray(photo.ideal).save(
                root / "ground_truth" / FOLDER / f"{index}.png", compress_level=1
            )
        records.append(
            PhotoRecord(
                dataset=FOLDER,
                file=f"{index}.jpg",
                subject=f"{job.split}-{job.subject:04d}",
                subset="occluded" if occluded else "unoccluded",
                landmarks=noisy_landmarks(rng, photo, config),
            )
        )
    return records


def make_folders(root: Path, config: SyntheticConfig) -> None:
    """Create every folder that the workers write to."""
    (root / FOLDER / "CelebA-HQ-img").mkdir(parents=True)
    (root / "ground_truth" / FOLDER).mkdir(parents=True)
    last = sum(split_sizes(config).values()) - 1
    for block in range(last // 2000 + 1):
        (root / FOLDER / "CelebAMask-HQ-mask-anno" / str(block)).mkdir(parents=True)


def write_lists(root: Path, records: Sequence[PhotoRecord], config: SyntheticConfig) -> list[Path]:
    """Write mapping, landmark lists, subsets and identities; returns the files."""
    folder = root / FOLDER
    ordered = sorted(records, key=lambda record: int(Path(record.file).stem))
    mapping, first, files = ["idx orig_idx orig_file"], 0, []
    for split, size in split_sizes(config).items():
        for index in range(first, first + size):
            original = FIRST_ORIGINAL[split] + index - first
            mapping.append(f"{index} {original} {original + 1:06d}.jpg")
        files.append(folder / f"{split}_landmarks.csv")
        write_landmarks(files[-1], ((r.file, r.landmarks) for r in ordered[first : first + size]))
        first += size
    files.append(folder / "all_landmarks.csv")
    write_landmarks(files[-1], ((r.file, r.landmarks) for r in ordered))
    tables = {
        "CelebA-HQ-to-CelebA-mapping.txt": mapping,
        "occlusion.csv": ["idx,subset", *(f"{Path(r.file).stem},{r.subset}" for r in ordered)],
        "identities.csv": ["idx,subject", *(f"{Path(r.file).stem},{r.subject}" for r in ordered)],
    }
    for name, lines in tables.items():
        files.append(folder / name)
        files[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return files
