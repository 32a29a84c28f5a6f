"""``focsbench claims`` on small runs written by hand, as ``run-all`` lays them out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from claims_support import around, rows
from reports_support import COLUMNS, write_distances

from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.data.synthetic.occluder_kinds import celeba_occluders
from focsbench.reports.evidence import NotMeasured, Number
from focsbench.runs.finished import read_evidence, read_runs
from focsbench.runs.run_folder import RunFolder
from focsbench.runs.store import Store

DATA_KEY = "d" * 64


def write_step(store: Store, name: str, key: str, inputs: dict[str, str], **files: str) -> Path:
    with store.writing(name, key, {"inputs": inputs}) as out:
        for file, text in files.items():
            (out / f"{file}.csv").write_text(text)
    return store.folder(name, key)


def write_run(root: Path, mofa: float = 9.0, seed: int = 0, data_key: str = DATA_KEY) -> Path:
    """A run with RMSE on occluded photographs, and scan distances."""
    store = Store(root / "artefacts")
    folders, now_rows, _ = write_distances(root.parent / f"distances-{root.name}")
    frames = [
        rows(method, around(value, 1.0, seed=seed), "celeba_rmse", "occluded", "rmse")
        for method, value in (("mofa", mofa), ("focs", 8.0), ("supervised_mofa", 7.9))
    ]
    results = pd.concat([*frames, pd.DataFrame(now_rows, columns=COLUMNS)])
    text = results.to_csv(index=False)
    scores = {f"score:{method}:now": f"{place:064d}" for place, method in enumerate(folders)}
    for (step, key), folder in zip(scores.items(), folders.values(), strict=True):
        made = write_step(store, step, key, {"data": data_key})
        folder.rename(made / "arrays")
    write_step(store, "aggregate", f"{seed:064d}", scores, results=text)
    write_step(store, "aggregate", "e" * 64, {}, results="of an older run")
    (root / "results.csv").write_text(text)
    config = {"name": "made", "seed": seed, "data": {"synthetic": {}}, "evaluation_split": "test"}
    (root / "config.json").write_text(json.dumps(config))
    return root


def test_one_run(focsbench, tmp_path: Path):
    run = write_run(tmp_path / "run")
    code, text, errors = focsbench("claims", run)
    assert (code, errors) == (0, "")
    assert re.search(r"occluded-fit +reproduced +\+12\.5 % \[", text)
    assert re.search(r"occluded-shape +reproduced", text)
    assert "claims reproduced" in text
    assert (run / "claims.md").read_text().startswith("# Which claims are reproduced\n\n- run: ")
    assert "FOCS (proposed)" in (run / "claims.md").read_text()
    assert len(pd.read_csv(run / "claims.csv")) > 45


def test_the_same_run_gives_the_same_bytes(focsbench, tmp_path: Path):
    run = write_run(tmp_path / "run")
    for name in ("first", "second"):
        assert focsbench("claims", run, "--output", tmp_path / name)[0] == 0
    for file in ("claims.md", "claims.csv"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    assert not (run / "claims.md").exists()


def test_several_runs_are_judged_alone_and_together(focsbench, tmp_path: Path):
    runs = [write_run(tmp_path / "good"), write_run(tmp_path / "bad", mofa=7.9, seed=1)]
    code, text, _ = focsbench("claims", *runs)
    assert code == 0
    assert re.search(r"occluded-fit +reproduced.*in 1 of 2 runs", text)
    page = (runs[0] / "claims.md").read_text()
    assert re.search(r"\| occluded-fit +\| [\w ,]+ +\| reproduced +\| not reproduced +\|", page)
    assert not (runs[1] / "claims.md").exists()


def test_a_run_over_seeds_is_all_its_seeds(tmp_path: Path):
    outer = tmp_path / "outer"
    for seed in (3, 4):
        write_run(outer / f"seed-{seed}", seed=seed)
    (outer / "config.json").write_text(json.dumps({"seeds": 2, "seed": 3}))
    names = [one.name for one in read_runs([outer])]
    assert names == ["seed-3: profile made, seed 3", "seed-4: profile made, seed 4"]


def test_evidence_finds_distances_and_occluders(tmp_path: Path):
    run = read_evidence(RunFolder(write_run(tmp_path / "run")))
    measured = run.measure("focs", Number("now", "occluded", "median"))
    assert measured.statistic is not None
    assert measured.images == 3
    assert run.data == DATA_KEY
    assert run.occluders == celeba_occluders(SyntheticConfig(), "test")


def test_without_the_artefacts_the_numbers_remain(focsbench, tmp_path: Path):
    run = write_run(tmp_path / "run")
    for folder in (run / "artefacts").glob("aggregate-*"):
        folder.rename(tmp_path / folder.name)
    code, text, _ = focsbench("claims", run)
    assert code == 0
    assert re.search(r"occluded-fit +reproduced +\+12\.5 % \[", text)
    assert re.search(r"occluded-shape +not measured", text)


def test_a_sweep_of_its_own_is_found(tmp_path: Path):
    run = RunFolder(write_run(tmp_path / "run"))
    number = Number("eta_sweep", "overall", "TPR")
    point = rows("eta_area=1", around(0.8), "eta_sweep", metric="TPR").to_csv(index=False)
    write_step(run.store, "sweep", "a" * 64, {"data": "o" * 64}, rows=point)
    with pytest.raises(NotMeasured):
        read_evidence(run).measure("eta_area=1", number)
    write_step(run.store, "sweep", "b" * 64, {"data": DATA_KEY}, rows=point)
    assert read_evidence(run).measure("eta_area=1", number).value == pytest.approx(0.8)
    # The steps of its points have other rows, and names that begin alike.
    write_step(run.store, "sweep-eta_area-1", "d" * 64, {"data": DATA_KEY}, rows=point)
    assert read_evidence(run).measure("eta_area=1", number).value == pytest.approx(0.8)
    write_step(run.store, "sweep", "c" * 64, {"data": DATA_KEY}, rows=point)
    with pytest.raises(NotMeasured):  # which of the two is of this run cannot be said
        read_evidence(run).measure("eta_area=1", number)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (None, "results.csv: not there; finish the run"),
        ("", "not readable as results"),
        ("method,value\nfocs,1\n", "no column protocol"),
        (",".join(COLUMNS) + "\n", "no rows"),
        (",".join(COLUMNS) + "\nfocs,p,s,x,i,v,much,ok,\n", "not readable as results"),
        (b"\xff\xfe\x00", "not readable as results"),
    ],
)
def test_an_unusable_run_is_one_sentence_and_code_1(focsbench, tmp_path: Path, results, message):
    run = write_run(tmp_path / "run")
    (run / "results.csv").unlink()
    if results is not None:
        (run / "results.csv").write_bytes(
            results if isinstance(results, bytes) else results.encode()
        )
    code, text, errors = focsbench("claims", run)
    assert (code, text) == (1, "")
    assert message in errors
    assert errors.count("\n") == 1


def test_a_folder_that_is_no_run(focsbench, tmp_path: Path):
    code, _, errors = focsbench("claims", tmp_path)
    assert code == 1
    assert "not a run folder" in errors


def test_failed_images_are_not_numbers(tmp_path: Path):
    run = write_run(tmp_path / "run")
    frame = pd.read_csv(run / "results.csv")
    frame.loc[frame["method"] == "mofa", ["value", "status"]] = [np.nan, "failed"]
    frame.to_csv(run / "results.csv", index=False)
    with pytest.raises(NotMeasured, match="no image of mofa"):
        read_evidence(RunFolder(run)).measure("mofa", Number("celeba_rmse", "occluded", "rmse"))
