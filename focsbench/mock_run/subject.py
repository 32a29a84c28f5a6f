"""What is checked: the answers of a method to the tiny data, or a folder of predictions."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from focsbench.data.layouts import open_dataset
from focsbench.data.predictions import PredictionFolder, read_reconstruction
from focsbench.errors import InputError
from focsbench.mock_run.check import NotApplicable
from focsbench.mock_run.watch import Deeds, watching
from focsbench.types import (
    Baseline,
    BaselineContext,
    FaceDataset,
    FloatArray,
    Mesh,
    Reconstruction,
    Sample,
)

Answers = Mapping[str, Reconstruction]
MOST_IMAGES = 40  # of a folder that are looked at, evenly spread


class Answered(Protocol):
    """What both kinds of subjects have.

    answers: by key; meshes in mm where ``unit_known``. image_size: side of the images, pixels,
    or None where nobody says.
    """

    answers: dict[str, Reconstruction]
    image_size: int | None
    unit_known: bool


@dataclass
class Part:
    """A method on one dataset: the dataset, its samples, the built method and its answers."""

    dataset: str
    root: Path
    images: FaceDataset
    samples: list[Sample]
    baseline: Baseline
    answers: list[Reconstruction] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class MethodTrial:
    """A method under test; filled step by step by the first checks.

    name: of the entry point; target: ``package.module:Class``; plugin: what it loads.
    data: folders of the tiny data; stages: folder of every stage; scratch: for what is written.
    """

    name: str
    target: str
    plugin: Any
    face_model: str
    face_model_file: Path | None
    image_size: int | None
    method: Mapping[str, Any]
    data: Mapping[str, Path]
    stages: Mapping[str, Path]
    scratch: Path
    parts: list[Part] = field(default_factory=list)
    answers: dict[str, Reconstruction] = field(default_factory=dict)
    deeds: Deeds = field(default_factory=Deeds)
    unit_known: bool = True
    changed_inputs: list[str] = field(default_factory=list)
    changed_threads: bool = False
    changed_random_state: bool = False

    @property
    def size(self) -> int:
        """Side of the images, pixels."""
        assert self.image_size is not None
        return self.image_size

    def build(self, dataset: str) -> Baseline:
        """Return the method, freshly built for a dataset."""
        context = BaselineContext(
            face_model=self.face_model,
            face_model_file=self.face_model_file,
            image_size=self.size,
            method=self.method,
            stages=self.stages,
            data_root=self.data[dataset],
            dataset=dataset,
        )
        baseline: Baseline = self.plugin(context)
        return baseline

    def build_parts(self) -> None:
        """Build the method for every dataset of the tiny data that it takes.

        Raises:
            InputError: if it refuses all of them.
        """
        refusals: list[InputError] = []
        for dataset, root in self.data.items():
            images = open_dataset(root, dataset, "test", self.size)
            samples = [images[index] for index in range(len(images))]
            try:
                with watching(self.deeds), self._unchanged():
                    baseline = self.build(dataset)
            except InputError as error:
                refusals.append(error)
                continue
            self.parts.append(Part(dataset, root, images, samples, baseline))
        if not self.parts:
            raise refusals[0]

    def ask(self, part: Part, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Return what the method answers, watching it."""
        with watching(self.deeds):
            return part.baseline.reconstruct(samples)

    def ask_all(self) -> None:
        """Keep the answers to all samples, and what has changed meanwhile."""
        for part in self.parts:
            before = [sample_digest(sample) for sample in part.samples]
            with self._unchanged():
                start = time.perf_counter()
                part.answers = self.ask(part, part.samples)
                part.seconds = time.perf_counter() - start
            self.changed_inputs += [
                sample.key
                for sample, digest in zip(part.samples, before, strict=True)
                if sample_digest(sample) != digest
            ]

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        threads, state = thread_counts(), random_state()
        yield
        self.changed_threads |= thread_counts() != threads
        self.changed_random_state |= random_state() != state

    def pairs(self) -> Iterator[tuple[Part, Sample, Reconstruction]]:
        """Yield every sample with its answer."""
        for part in self.parts:
            for sample, answer in zip(part.samples, part.answers, strict=True):
                yield part, sample, answer


@dataclass
class FolderTrial:
    """A predictions folder under test; filled step by step by the first checks."""

    folder: Path
    predictions: PredictionFolder | None = None
    keys: list[str] = field(default_factory=list)
    answers: dict[str, Reconstruction] = field(default_factory=dict)
    image_size: int | None = None
    unit_known: bool = False

    def read(self, key: str) -> None:
        """Keep one answer, in mm where the unit is known.

        Raises:
            InputError: if a file is damaged.
        """
        self.answers[key] = read_reconstruction(self.folder, key)


def meshes(subject: Answered) -> dict[str, tuple[Mesh, FloatArray]]:
    """Return mesh and landmarks of every answer that has both.

    Raises:
        NotApplicable: if none has.
    """
    found = {
        key: (answer.neutral, answer.landmarks7)
        for key, answer in subject.answers.items()
        if answer.neutral is not None and answer.landmarks7 is not None
    }
    if not found:
        raise NotApplicable("it gives no meshes")
    return found


def sample_digest(sample: Sample) -> bytes:
    """Return a hash of the arrays of a sample."""
    digest = hashlib.sha256(sample.image.tobytes() + sample.landmarks.tobytes())
    if sample.visible_mask is not None:
        digest.update(sample.visible_mask.tobytes())
    return digest.digest()


def thread_counts() -> tuple[int, dict[str, str]]:
    """Return the threads of torch and the environment variables that set some.

    numba is not asked: its answer starts its threads, which changes those of torch.
    """
    names = [name for name in os.environ if name.endswith("_NUM_THREADS")]
    return torch.get_num_threads(), {name: os.environ[name] for name in names}


def random_state() -> tuple[str, bytes]:
    """Return the states of the global generators of numpy and torch."""
    state = np.random.get_state()  # noqa: NPY002 - others may use the old generator
    return str(state), torch.get_rng_state().numpy().tobytes()


def images(subject: Answered, name: str) -> dict[str, Any]:
    """Return ``render``, ``region`` or ``visible`` of every answer that has it.

    Raises:
        NotApplicable: if none has.
    """
    found = {
        key: getattr(answer, name)
        for key, answer in subject.answers.items()
        if getattr(answer, name) is not None
    }
    if not found:
        raise NotApplicable(f"it gives no {name}")
    return found
