"""Occluded or unoccluded: the list of CelebAMask-HQ that nobody published, made by a named rule."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field
from pathlib import Path

from focsbench.data.celebahq import IMAGES, MASKS, measure_occlusion, read_parts
from focsbench.data.celebahq_lists import read_celeba_landmarks, split_members
from focsbench.data.celebahq_rules import (
    SUBSET_RULE,
    VISIBLE_FACE_RULE,
    Occlusion,
    draw,
    subset_of,
)
from focsbench.data.image_files import image_size
from focsbench.data.landmarks_csv import list_of_split
from focsbench.errors import InputError
from focsbench.processes import reason_of, run_jobs
from focsbench.progress import track
from focsbench.types import FloatArray

COLUMNS = ("idx", "subset", "split", "hidden_share", "accessory_share", "rule")
EVALUATION = ("val", "test")
_FEW = 64  # images that are measured before worker processes have started


@dataclass(frozen=True)
class Subsets:
    """What a list holds.

    images: (split, subset, what was measured) by image number; failures: reason by image number.
    """

    images: dict[int, tuple[str, str, Occlusion]] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Return the number of images by ``split subset``."""
        names = sorted(f"{split} {subset}" for split, subset, _ in self.images.values())
        return {name: names.count(name) for name in dict.fromkeys(names)}

    def drawn(self, counts: Mapping[str, int], seed: int) -> Subsets:
        """Return a draw of the images of the test split, and all of the others."""
        test = {n: subset for n, (split, subset, _) in self.images.items() if split == "test"}
        kept = set(draw(test, counts, seed)) | (self.images.keys() - test.keys())
        images = {number: entry for number, entry in self.images.items() if number in kept}
        return Subsets(images, self.failures)


def find_subsets(
    root: Path,
    visible_face: str = VISIBLE_FACE_RULE,
    subsets: str = SUBSET_RULE,
    splits: Sequence[str] = EVALUATION,
    workers: int = 1,
) -> Subsets:
    """Measure all images of some splits that have landmarks.

    Args:
        root: folder of CelebAMask-HQ.
        visible_face, subsets: names of the rules.
        splits: train, val, test; one without a landmark list is passed over.
        workers: processes; they change nothing but the time.

    Raises:
        InputError: if a list of the dataset is damaged, or no split has landmarks. A damaged image
            is among the failures, and so is one that killed its process.
        ConfigError: if there is no such rule.
    """
    jobs: list[_Job] = []
    # Who only tests has no list of the validation images; without any list, the first is missed.
    listed = [split for split in splits if list_of_split(root, split).exists()]
    for split in listed or splits:
        landmarks = read_celeba_landmarks(root, split)
        for image in split_members(root, split):
            if image.index in landmarks:
                jobs.append(_Job(root, image.index, split, landmarks[image.index], visible_face))
    found = Subsets()
    if workers <= 1 or len(jobs) < _FEW:
        results = ((number, _measure(job)) for number, job in enumerate(jobs))
    else:
        results = ((number, _result(done)) for number, done in run_jobs(_measure, jobs, workers))
    measured = dict(track(results, "occlusion of CelebAMask-HQ", total=len(jobs)))
    for number, job in enumerate(jobs):
        result = measured[number]
        if isinstance(result, str):
            found.failures[job.index] = result
        else:
            found.images[job.index] = (job.split, subset_of(result, subsets), result)
    return found


def write_subsets(path: Path, found: Subsets, rule: str) -> None:
    """Write ``occlusion.csv``, in the order of the image numbers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, (split, subset, occlusion) in sorted(found.images.items()):
            shares = (f"{occlusion.hidden:.4f}", f"{occlusion.accessories:.4f}")
            writer.writerow((number, subset, split, *shares, rule))


def draw_rule(counts: Mapping[str, int], seed: int) -> dict[str, str]:
    """Return what ``policies.json`` says about a draw."""
    drawn = " and ".join(f"{count} {subset}" for subset, count in counts.items())
    return {"only_listed": f"{drawn} of the test split drawn with seed {seed}"}


@dataclass(frozen=True)
class _Job:
    root: Path
    index: int
    split: str
    landmarks: FloatArray
    visible_face: str


def _result(ended: Future[Occlusion | str]) -> Occlusion | str:
    error = ended.exception()
    return reason_of(error) if isinstance(error, BrokenExecutor) else ended.result()


def _measure(job: _Job) -> Occlusion | str:
    try:
        parts = read_parts(job.root / MASKS, job.index)
        width, _ = image_size(job.root / IMAGES / f"{job.index}.jpg")
        return measure_occlusion(parts, job.landmarks, width, job.visible_face)
    except InputError as error:
        return str(error)
