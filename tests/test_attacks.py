"""Every hostile file ends in one clear sentence, in bounded time and memory, and runs nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import ATTACKS
from attacks.harmless import HARMLESS
from attacks.readers import READERS
from attacks.victim import MEMORY, SECONDS

from focsbench import errors

VICTIM = Path(__file__).parent / "attacks" / "victim.py"
# One process per group: imports and compiled kernels are shared.
GROUPS = {
    "meshes": {"mesh"},
    "images": {"image"},
    "arrays": {"landmarks", "parameters", "legacy", "distances"},
    "texts": {"manifest", "landmark_list", "image_list", "profile", "now_result"},
    "weights": {"weights", "face_model"},
    "networks": {"torch", "matlab", "hdf5", "onnx", "dlib"},
    "datasets": {"celeba", "ar", "now", "photos", "authors"},
    "outputs": {
        "mica",
        "deca",
        "3ddfa_v2",
        "deep3d",
        "seven_points",
        "crop",
        "results",
        "run_config",
    },
}


def names(group):
    return [name for name, attack in ATTACKS.items() if attack.reader in GROUPS[group]]


def test_every_attack_is_in_one_group():
    assert sorted(name for group in GROUPS for name in names(group)) == sorted(ATTACKS)
    assert len(ATTACKS) >= 40


def test_every_reader_has_a_harmless_file():
    assert {case.reader for case in HARMLESS} == set(READERS)
    assert len({case.name for case in HARMLESS}) == len(HARMLESS)


@pytest.mark.parametrize("group", GROUPS)
def test_hostile_files_end_in_one_sentence(group, tmp_path):
    for name in names(group):
        path = tmp_path / name / ATTACKS[name].file
        path.parent.mkdir(parents=True)
        ATTACKS[name].make(path)
    ended = subprocess.run(
        [sys.executable, VICTIM, tmp_path, *names(group)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = {entry["name"]: entry for entry in map(json.loads, ended.stdout.splitlines())}
    assert list(found) == names(group)
    wrong = {name: problem for name, entry in found.items() if (problem := fault(entry))}
    assert wrong == {}
    assert not list(tmp_path.rglob("owned*")), "a payload was executed"


def fault(entry):
    """What is wrong with how a reading ended; nothing if all is well."""
    kind = getattr(errors, entry["kind"], None)
    file = ATTACKS[entry["name"]].file
    if not (isinstance(kind, type) and issubclass(kind, errors.FocsbenchError)):
        return f"{entry['kind']}: {entry['text'][:300]}"
    if file.partition(".")[0] not in entry["text"] or len(entry["text"]) > 1000:
        return f"an error of {len(entry['text'])} characters: {entry['text'][:300]}"
    if entry["seconds"] > SECONDS or entry["bytes"] > MEMORY:
        return f"{entry['seconds']:.1f} s, {entry['bytes'] >> 20} MiB"
    return None
