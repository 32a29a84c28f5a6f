"""Packing of datasets into arrays."""

from __future__ import annotations

import numpy as np
import pytest

from focsbench.data.aligned import AlignedArrays, pack
from focsbench.errors import InputError
from focsbench.types import Sample

SIZE = 8


class Faces:
    """A dataset of made samples; those in ``broken`` cannot be read, odd ones have no mask."""

    name = "made"

    def __init__(self, count, broken=()):
        self.count = count
        self.broken = set(broken)

    def __len__(self):
        return self.count

    def keys(self):
        return [f"key-{index}" for index in range(self.count)]

    def __getitem__(self, index):
        if index in self.broken:
            raise InputError(f"photo-{index}.jpg: not an image; replace it.")
        rng = np.random.default_rng(index)
        mask = rng.random((SIZE, SIZE)) < 0.5 if index % 2 == 0 else None
        image = rng.random((SIZE, SIZE, 3), dtype=np.float32)
        return Sample(f"key-{index}", f"person-{index // 2}", "all", image, np.ones((68, 2)), mask)


def test_arrays_hold_the_samples_in_order():
    faces = Faces(7)
    arrays, failures = pack(faces, workers=1)
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


def test_a_broken_image_is_left_out_and_named():
    arrays, failures = pack(Faces(5, broken=[2]), workers=1)
    whole, _ = pack(Faces(5), workers=1)
    assert failures == {"key-2": "photo-2.jpg: not an image; replace it."}
    np.testing.assert_array_equal(arrays.images, whole.images[[0, 1, 3, 4]])
    np.testing.assert_array_equal(arrays.subjects, [0, 0, 1, 2])


def test_the_number_of_processes_changes_nothing(tmp_path):
    faces = Faces(230, broken=[7, 150])
    alone, lost_alone = pack(faces, workers=1)
    together, lost_together = pack(faces, workers=2)
    assert lost_alone == lost_together
    for name, arrays in (("alone", alone), ("together", together)):
        (tmp_path / name).mkdir()
        arrays.save(tmp_path / name)
    for file in (tmp_path / "alone").iterdir():
        assert file.read_bytes() == (tmp_path / "together" / file.name).read_bytes()
    again = AlignedArrays.load(tmp_path / "together")
    np.testing.assert_array_equal(again.images, alone.images)


@pytest.mark.parametrize("faces", [Faces(2, broken=[0, 1]), Faces(0)])
def test_nothing_usable_is_an_error(faces):
    with pytest.raises(InputError, match="made: no image can be used"):
        pack(faces, workers=1)
