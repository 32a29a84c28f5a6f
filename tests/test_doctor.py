"""`focsbench doctor`: what it finds, what it calls broken, and how it says it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from focsbench.doctor import packages
from focsbench.doctor.advice import AUTHOR, NEWCOMER, REPRODUCER, next_steps
from focsbench.doctor.assets import asset_sections
from focsbench.doctor.findings import Item, Section, State, is_broken
from focsbench.doctor.machine import machine_sections
from focsbench.profiles.profile import load_profile


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("FOCSBENCH_CACHE", str(folder))
    return folder


def states(sections):
    return {item.name: item.state for one in sections for item in one.items}


def texts(sections):
    return {item.name: item.text for one in sections for item in one.items}


@pytest.mark.usefixtures("own_cache")
def test_command(tmp_path, focsbench, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = focsbench("doctor", "--json", tmp_path / "doctor.json")
    content = json.loads((tmp_path / "doctor.json").read_text())
    assert code == int(content["broken"])
    assert set(content["next"]) == {NEWCOMER, AUTHOR, REPRODUCER}
    assert all(user in out for user in content["next"])
    named = {item["name"] for items in content["sections"].values() for item in items}
    assert {"python", "torch", "cores", "cache", "anny", "bfm2017", "dlib"} <= named
    assert not any("\t" in line or len(line) > 400 for line in out.splitlines())
    (tmp_path / "focsbench-run/reports").mkdir(parents=True)
    (tmp_path / "focsbench-run/reports/report.md").write_text("# Results")
    _, out, _ = focsbench("doctor")
    assert "read focsbench-run/reports/report.md, or change a setting" in out


def test_needed_packages_against_their_constraints(monkeypatch):
    """Every requirement of the package that is not met is broken, and only those."""
    lines = ["numpy>=2.0", "pillow>=999", "not-there-at-all>=1", 'ray>=2; extra == "ray"']
    monkeypatch.setattr(packages, "_lines", lambda: lines)
    found = states(packages.package_sections())
    assert found["pillow"] is State.BROKEN
    assert found["not-there-at-all"] is State.BROKEN
    assert "numpy" not in found
    assert "ray" in found
    said = texts(packages.package_sections())
    assert "version" in said["pillow"]
    assert "needed is >=999" in said["pillow"]
    assert 'pip install "not-there-at-all>=1"' in said["not-there-at-all"]
    assert said["needed packages"].startswith("1 installed")


def test_declared_requirements_can_be_read():
    lines = packages._lines()
    assert lines
    for line in lines:
        Requirement(line)


def test_tested_versions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    installed = packages._version("numpy")
    (tmp_path / "constraints.txt").write_text(f"numpy=={installed}\nabsent-package==1\n")
    assert states(packages.package_sections())["tested versions"] is State.OK
    (tmp_path / "constraints.txt").write_text("numpy==1.0\n")
    found = texts(packages.package_sections())["tested versions"]
    assert f"numpy {installed} (tested: 1.0)" in found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_broken(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    assert states(machine_sections())["cache"] is State.BROKEN
    tmp_path.chmod(0o700)


def test_imported_weights(own_cache):
    assert states(asset_sections(None))["imported weights"] is State.MISSING
    (own_cache / "weights").mkdir(parents=True)
    (own_cache / "weights/SHA256SUMS").write_text("00  arcface.safetensors\n")
    found = asset_sections(None)
    assert states(found)["arcface.safetensors"] is State.BROKEN
    (own_cache / "weights/arcface.safetensors").write_bytes(b"")
    found = list(asset_sections(None))
    assert states(found)["arcface.safetensors"] is State.OK
    assert states(found)["quick_encoder.safetensors"] is State.OK
    (own_cache / "weights/SHA256SUMS").write_text("arcface\n")
    found = list(asset_sections(None))
    assert states(found)["imported weights"] is State.BROKEN
    assert "not a list of checksums" in texts(found)["imported weights"]


@pytest.mark.usefixtures("own_cache")
def test_weights_that_a_profile_names_but_nobody_imported():
    profile = load_profile("smoke", ["method.changes.recognition.weights=arcface"])
    found = states(asset_sections(profile))
    assert found["recognition weights"] is State.BROKEN
    assert "encoder weights" not in found  # it comes along


def test_a_file_of_weights_that_a_profile_names(tmp_path):
    file = tmp_path / "mine.safetensors"
    profile = load_profile("smoke", [f"method.changes.unet.weights={file}"])
    assert states(asset_sections(profile))["unet weights"] is State.BROKEN
    file.write_bytes(b"")
    assert "unet weights" not in states(asset_sections(profile))


@pytest.mark.usefixtures("own_cache")
def test_paths_of_a_profile(tmp_path, focsbench):
    celeba = tmp_path / "CelebAMask-HQ"
    (celeba / "CelebA-HQ-img").mkdir(parents=True)
    ar = tmp_path / "AR"
    ar.mkdir()
    changes = [f"data.celeba={celeba}", f"data.ar.folder={ar}", "data.ar.masks=nowhere"]
    found = list(asset_sections(load_profile("paper", changes)))
    assert states(found)["data.celeba.folder"] is State.OK
    assert states(found)["data.ar.folder"] is State.OK
    assert states(found)["data.ar.masks"] is State.BROKEN
    assert states(found)["data.now"] is State.BROKEN  # a protocol needs it
    assert is_broken(found)
    steps = next_steps(found, "mine.toml")[REPRODUCER]
    assert any("edit mine.toml: data.ar.masks, data.now" in step for step in steps)
    wrong = list(asset_sections(load_profile("paper", [f"data.celeba={ar}"])))
    assert "has no CelebA-HQ-img or Dataset" in texts(wrong)["data.celeba.folder"]
    model = ["face_model=bfm2017", "face_model_file=absent.h5"]
    found = asset_sections(load_profile("paper", [*changes, *model]))
    assert states(found)["bfm2017"] is State.BROKEN
    profile = tmp_path / "mine.toml"
    focsbench("profile", "write", "paper", profile, "--set", f"data.celeba.folder={celeba}")
    code, out, _ = focsbench("doctor", "--profile", profile)
    assert code == 1
    assert "Profile mine" in out


def test_advice_repairs_first():
    sections = [Section("x", (Item("cache", State.BROKEN),))]
    for lines in next_steps(sections, None).values():
        assert lines[0] == "first repair what is marked !!: cache"
    assert not is_broken([Section("x", (Item("ray", State.MISSING),))])


@pytest.mark.parametrize("name", ["dlib", "face-alignment", "insightface"])
def test_any_detector_will_do(name):
    steps = [
        next_steps([Section("x", (Item(name, state),))], None)[NEWCOMER]
        for state in (State.OK, State.MISSING)
    ]
    assert [any("landmark detector" in step for step in lines) for lines in steps] == [False, True]


def test_it_imports_no_heavy_library():
    code = (
        "import sys; from focsbench.doctor import assets, machine, packages, advice; "
        "list(packages.package_sections()); list(machine.machine_sections()); "
        "list(assets.asset_sections(None)); "
        "sys.exit(','.join({'torch', 'numba', 'matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stderr.strip() == ""
