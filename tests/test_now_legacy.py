"""Files of the official evaluation: read from every year, written as it writes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focsbench.errors import InputError
from focsbench.now.legacy import (
    LegacyResult,
    challenge_of,
    legacy_name,
    method_of,
    read_legacy,
    write_legacy,
)

PARTS = (np.array([0.5, 1.25, 0.0]), np.array([2.0, 0.125]))
IMAGES = ("anna/selfie/IMG_1.jpg", "bela/selfie/IMG_2.jpg")
distances = st.lists(st.floats(0, 50), min_size=1, max_size=6).map(np.array)


@given(parts=st.lists(distances, min_size=1, max_size=4), missing=st.integers(0, 400))
def test_round_trip_and_plain_numpy(tmp_path_factory, parts, missing):
    path = tmp_path_factory.mktemp("npy") / legacy_name("Ours")
    images = tuple(f"s/c/IMG_{number}.jpg" for number in range(len(parts)))
    files = write_legacy(path, LegacyResult(tuple(parts), missing, images))
    assert [file.name for file in files] == [
        "Ours_computed_distances.npy",
        "Ours_computed_distances.npy.meanmedian",
    ]
    # As the official script for plots reads it.
    plain = np.load(path, allow_pickle=True, encoding="latin1").item()
    assert list(plain) == ["computed_distances", "num_missing_files", "input_files"]
    assert type(plain["computed_distances"]) is list
    assert type(plain["num_missing_files"]) is int
    assert plain["input_files"].dtype.kind == "U"
    for stored in (plain["computed_distances"], read_legacy(path).distances):
        np.testing.assert_equal(list(stored), parts)
    found = read_legacy(path)
    assert (found.missing, found.images) == (missing, images)
    pool = np.hstack(plain["computed_distances"])
    median, mean = map(float, files[1].read_text().splitlines())
    assert median == np.median(pool)
    assert mean == np.mean(pool)


def test_the_same_result_gives_the_same_bytes(tmp_path):
    same = np.array([1.0, 2.0])
    first = LegacyResult((same, same), 0, IMAGES)
    second = LegacyResult((same.copy(), same.astype(np.float32)), 0, IMAGES)
    for name, result in (("a", first), ("b", second)):
        write_legacy(tmp_path / f"{name}.npy", result)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.parametrize(
    ("content", "missing", "images"),
    [
        ({"computed_distances": list(PARTS)}, None, None),
        ({"computed_distances": PARTS, "num_missing_files": np.int64(3)}, 3, None),
        (
            {"computed_distances": list(PARTS), "num_missing_files": 0, "input_files": IMAGES},
            0,
            IMAGES,
        ),
        ({"computed_distances": np.array([PARTS[1], PARTS[1]])}, None, None),
        ({"computed_distances": np.array([*PARTS, None], dtype=object)[:2]}, None, None),
        ({"computed_distances": [part[:, None].astype(">f4") for part in PARTS]}, None, None),
    ],
)
def test_files_of_other_years(tmp_path, content, missing, images):
    path = tmp_path / "RECON_computed_distances_selfie.npy"
    np.save(path, content)
    found = read_legacy(path)
    assert (found.missing, found.images) == (missing, images)
    for stored, wanted in zip(found.distances, content["computed_distances"], strict=True):
        assert stored.tolist() == np.ravel(wanted).tolist()
    assert (method_of(path), challenge_of(path)) == ("RECON", "selfie")


def test_names():
    assert legacy_name("a_b", "selfie") == "a_b_computed_distances_selfie.npy"
    path = type("P", (), {"name": "other.npy"})
    assert (method_of(path), challenge_of(path)) == ("other", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "no 'computed_distances'"),
        ({"distances": []}, "no 'computed_distances'"),
        ({"computed_distances": []}, "no image was scored"),
        ({"computed_distances": "abc"}, "no image was scored"),
        ({"computed_distances": np.zeros(())}, "no image was scored"),
        ({"computed_distances": [PARTS[0], None]}, "image 1 .* has no distances"),
        ({"computed_distances": [np.zeros(0)]}, "image 0 .* has no distances"),
        ({"computed_distances": [np.arange(3)]}, "image 0 .* has no distances"),
        ({"computed_distances": [np.array([0.5, np.nan])]}, "is no distance"),
        ({"computed_distances": [np.array([0.5, -0.1])]}, "is no distance"),
        ({"computed_distances": [*PARTS], "num_missing_files": -1}, "number of images"),
        ({"computed_distances": [*PARTS], "num_missing_files": "1"}, "number of images"),
        ({"computed_distances": [*PARTS], "input_files": IMAGES[:1]}, "each image once"),
        ({"computed_distances": [*PARTS], "input_files": IMAGES[:1] * 2}, "each image once"),
        ({"computed_distances": [*PARTS], "input_files": [[], {}]}, "each image once"),
        ({"computed_distances": [*PARTS], "input_files": ["a", "\x1b[2J"]}, "each image once"),
        ({"computed_distances": [*PARTS], "input_files": ["", "s/c/1.jpg"]}, "subject/challenge"),
        ({"computed_distances": [*PARTS], "input_files": 7}, "is no list"),
    ],
)
def test_other_content_is_refused(tmp_path, content, message):
    path = tmp_path / "RECON_computed_distances.npy"
    np.save(path, np.array(content, dtype=object) if isinstance(content, list) else content)
    with pytest.raises(InputError, match=message) as raised:
        read_legacy(path)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    "result",
    [
        LegacyResult((), 0, ()),
        LegacyResult(PARTS, None, IMAGES),
        LegacyResult(PARTS, 0, None),
        LegacyResult(PARTS, 0, IMAGES[:1]),
        LegacyResult((np.array([np.inf]),), 0, IMAGES[:1]),
    ],
)
def test_half_results_are_not_written(tmp_path, result):
    with pytest.raises(ValueError, match=r"pool|official result|one array|finite"):
        write_legacy(tmp_path / "x.npy", result)
    assert not list(tmp_path.iterdir())
