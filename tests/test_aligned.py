"""Packing of datasets into arrays."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from focsbench.data.aligned import AlignedArrays, pack
from focsbench.errors import InputError
from focsbench.items import Surroundings, surrounded_by
from focsbench.journal import Journal
from focsbench.types import Sample

SIZE = 8


class Faces:
    """A dataset of made samples; those in ``broken`` cannot be read, odd ones have no mask."""

    name = "made"

    def __init__(self, count, broken=(), interrupted=None, size=SIZE):
        self.count = count
        self.broken = set(broken)
        self.interrupted = interrupted
        self.shape = size, size

    def __len__(self):
        return self.count

    def keys(self):
        return [f"key-{index}" for index in range(self.count)]

    def __getitem__(self, index):
        if index in self.broken:
            raise InputError(f"photo-{index}.jpg: not an image; replace it.")
        if index == self.interrupted:
            raise KeyboardInterrupt
        rng = np.random.default_rng(index)
        mask = rng.random(self.shape) < 0.5 if index % 2 == 0 else None
        image = rng.random((*self.shape, 3), dtype=np.float32)
        return Sample(f"key-{index}", f"person-{index // 2}", "all", image, np.ones((68, 2)), mask)


def packed(faces, folder, workers=1):
    folder.mkdir()
    failures = pack(faces, folder, workers)
    assert {path.stem for path in folder.iterdir()} == {"images", "landmarks", "masks", "subjects"}
    return AlignedArrays.load(folder), failures


def test_arrays_hold_the_samples_in_order(tmp_path):
    faces = Faces(7)
    arrays, failures = packed(faces, tmp_path / "arrays")
    assert failures == {}
    assert len(arrays) == 7
    for index in range(7):
        sample = faces[index]
        assert np.abs(arrays.images[index] / 255 - sample.image).max() <= 0.5 / 255 + 1e-6
        np.testing.assert_array_equal(arrays.landmarks[index], sample.landmarks)
        expected = sample.visible_mask if index % 2 == 0 else np.zeros((SIZE, SIZE), dtype=bool)
        np.testing.assert_array_equal(arrays.masks[index], expected)
    np.testing.assert_array_equal(arrays.subjects, [0, 0, 1, 1, 2, 2, 3])
    assert (arrays.images.dtype, arrays.masks.dtype) == (np.uint8, bool)


def test_a_broken_image_is_left_out_and_named(tmp_path):
    arrays, failures = packed(Faces(5, broken=[2]), tmp_path / "arrays")
    whole, _ = packed(Faces(5), tmp_path / "whole")
    assert failures == {"key-2": "photo-2.jpg: not an image; replace it."}
    np.testing.assert_array_equal(arrays.images, whole.images[[0, 1, 3, 4]])
    np.testing.assert_array_equal(arrays.subjects, [0, 0, 1, 2])


def test_the_number_of_processes_changes_nothing(tmp_path):
    faces = Faces(230, broken=[7, 150])
    alone, lost_alone = packed(faces, tmp_path / "alone")
    _, lost_together = packed(faces, tmp_path / "together", workers=2)
    assert lost_alone == lost_together
    # the files are those of arrays that were in memory as a whole
    (tmp_path / "saved").mkdir()
    AlignedArrays(*(np.array(getattr(alone, field.name)) for field in fields(alone))).save(
        tmp_path / "saved"
    )
    for file in (tmp_path / "alone").iterdir():
        for other in ("together", "saved"):
            assert file.read_bytes() == (tmp_path / other / file.name).read_bytes()


def test_memory_does_not_grow_with_the_dataset(tmp_path):
    tracemalloc.start()
    try:
        arrays, _ = packed(Faces(2000, size=24), tmp_path / "arrays")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < arrays.images.nbytes / 2


def test_chunks_without_images_and_an_interruption(tmp_path):
    faces = Faces(310, broken=[*range(100, 210)])
    expected, lost = packed(faces, tmp_path / "expected")
    (tmp_path / "again").mkdir()
    journal = Journal(tmp_path / "again")
    with surrounded_by(Surroundings(journal=journal)):
        with pytest.raises(KeyboardInterrupt):
            pack(Faces(310, broken=faces.broken, interrupted=250), tmp_path / "again", 1)
        journal.tidy()
        assert pack(Faces(310, broken=range(1, 310)), tmp_path / "again", 1) == lost | {
            f"key-{index}": f"photo-{index}.jpg: not an image; replace it."
            for index in range(210, 310)
        }
    again = AlignedArrays.load(tmp_path / "again")
    np.testing.assert_array_equal(again.images, expected.images[: len(again)])
    assert not (tmp_path / "again/.parts").exists()


@pytest.mark.parametrize("faces", [Faces(2, broken=[0, 1]), Faces(0)])
def test_nothing_usable_is_an_error(faces, tmp_path):
    with pytest.raises(InputError, match="made: no image can be used"):
        pack(faces, tmp_path, workers=1)
