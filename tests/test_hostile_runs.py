"""A run over datasets with strangers' files goes on, names them, and ends with exit code 2."""

from __future__ import annotations

import csv

import pytest
from attacks import ATTACKS

from focsbench.mock_run.tiny_data import write_tiny_data

PROFILE = """
name = "tiny"
methods = ["mean_face"]
protocols = ["celeba_rmse", "now"]
reports = ["overview"]
[data]
celeba = "CelebAMask-HQ"
now = "NoW"
[method]
preset = "smoke"
"""
VICTIMS = {
    "CelebAMask-HQ/CelebA-HQ-img/0.jpg": ("png_bomb_of_gigapixels", "0"),
    "NoW/NoW_Dataset/final_release_version/iphone_pictures/TINY_0/multiview_neutral/IMG_0000.jpg": (
        "image_is_dev_random",
        "TINY_0/multiview_neutral/IMG_0000",
    ),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    write_tiny_data(root)
    for file, (attack, _) in VICTIMS.items():
        (root / file).unlink()
        ATTACKS[attack].make(root / file)
    (root / "tiny.toml").write_text(PROFILE)
    return root


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_hostile_photographs_are_listed_and_the_rest_is_scored(data, tmp_path, focsbench):
    run = tmp_path / "run"
    code, _, errors = focsbench(
        "run-all", "--profile", data / "tiny.toml", "--output", run, "--executor", "inprocess"
    )
    assert code == 2, errors
    failed = {row["item"] for row in read_csv(run / "failures.csv")}
    names = {name for _, name in VICTIMS.values()}
    assert names <= failed
    rows = [row for row in read_csv(run / "results.csv") if row["item"] != "pooled"]
    for row in rows:
        assert (row["status"] == "failed") == (row["item"] in names), (row["item"], row["reason"])
    assert {row["item"] for row in rows} > names
    report = (run / "reports" / "report.md").read_text().replace("\\", "")  # as printed
    for file, (_, name) in VICTIMS.items():
        reasons = {row["reason"] for row in rows if row["item"] == name}
        assert any(file.rpartition("/")[2] in reason for reason in reasons), reasons
        assert name in report
