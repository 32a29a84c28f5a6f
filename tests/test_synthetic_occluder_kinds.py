"""The occluders drawn again are those of the photographs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from focsbench.data.synthetic import celebahq_writer
from focsbench.data.synthetic.config import GENERATOR_VERSION, SyntheticConfig
from focsbench.data.synthetic.occluder_kinds import MANIFEST, celeba_occluders, occluders_beside
from focsbench.data.synthetic.shots import OCCLUDERS

CONFIG = SyntheticConfig(celeba_train=40, celeba_val=10, celeba_test=60, seed=5)


def write_manifest(root: Path, **changes: object) -> Path:
    manifest = {"generator_version": GENERATOR_VERSION, "config": CONFIG.model_dump(), **changes}
    (root / MANIFEST).write_text(json.dumps(manifest))
    return root / celebahq_writer.FOLDER


def test_kinds_are_those_that_the_photographs_are_made_with(tmp_path, monkeypatch):
    """What the writer asks the camera for, stopped before anything is rendered."""
    asked: list[tuple[str, ...]] = []

    class StopError(Exception):
        pass

    def portrait(_rng, _config, _names, occluders):
        asked.append(occluders)
        raise StopError

    monkeypatch.setattr(celebahq_writer, "portrait", portrait)
    monkeypatch.setattr(celebahq_writer, "sample_subject", lambda *_: None)
    for job in celebahq_writer.plan(CONFIG):
        for index in job.images:
            single = celebahq_writer.CelebAJob(job.split, job.subject, (index,))
            with pytest.raises(StopError):
                celebahq_writer.write_person(single, tmp_path, CONFIG)
    found = [kinds for split in ("train", "val", "test")
             for kinds in celeba_occluders(CONFIG, split).values()]  # fmt: skip
    assert found == asked
    assert {kind for kinds in found for kind in kinds} <= set(OCCLUDERS)
    assert sum(bool(kinds) for kinds in found) == len(found) / 2


def test_keys_are_the_images_of_the_split():
    assert list(celeba_occluders(CONFIG, "test")) == [str(index) for index in range(50, 110)]


def test_the_manifest_beside_the_photographs_says_how_they_were_made(tmp_path: Path):
    assert occluders_beside(write_manifest(tmp_path), "val") == celeba_occluders(CONFIG, "val")


@pytest.mark.parametrize(
    "changes", [{"generator_version": -1}, {"config": {"no": 1}}, {"config": None}]
)
def test_other_photographs_have_no_kinds(tmp_path: Path, changes: dict):
    assert occluders_beside(tmp_path / "CelebAMask-HQ", "test") == {}
    assert occluders_beside(write_manifest(tmp_path, **changes), "test") == {}
