"""Every command and every piece of code in README and docs runs, or says why it is only parsed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from docs_support import ROOT, SHELL, all_blocks, blocks, check_words, commands, pages

from focsbench.face_models import face_model_path

RUNNER = Path(__file__).with_name("docs_runner.py")
EXAMPLE = ROOT / "examples" / "third_party_baseline"
NEWCOMER, AUTHOR, PLUGINS = (
    f"docs/{name}.md" for name in ("tutorials/newcomer", "tutorials/author", "plugins")
)
# What the text of a page supposes to be there: names, and where the first pages have made it.
MADE = {
    "focsbench-run": f"{NEWCOMER}/focsbench-run",
    **{name: f"{NEWCOMER}/benchmark/{name}" for name in ("NoW", "AR", "CelebAMask-HQ")},
}
SUPPOSED = {
    "old-run": f"{NEWCOMER}/focsbench-run",
    "new-run": f"{PLUGINS}/stretched-run",
    "my_method": f"{AUTHOR}/my_method",
    "theirs": f"{AUTHOR}/theirs",
    "my_method_scores": f"{AUTHOR}/my_method_scores",
    "my_method_now": f"{AUTHOR}/my_method_now",
    "theirs_now": f"{AUTHOR}/theirs_now",
    "model2017-1_bfm_nomouth.h5": "files/model2017-1_bfm_nomouth.h5",
    "backbone.pth": "files/backbone.pth",
}


def test_blocks_that_are_not_run_say_why_and_are_right():
    for block in all_blocks(*SHELL, "python"):
        assert block.is_parsed_only or block.note == "" or block.exit_code, f"{block}: {block.note}"
        if block.language == "python":
            compile(block.text, str(block), "exec")
            continue
        subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
        for words in commands(block.text) if block.is_parsed_only else ():
            try:
                check_words(words)
            except Exception as error:
                raise AssertionError(f"{block}: {' '.join(words)}: {error}") from error


@pytest.mark.slow
def test_pages_run(tmp_path):
    """One test for all: pages build on each other, and so no process has to run them twice."""
    packages = tmp_path / "packages"
    install_example(packages, tmp_path)
    found = run_pages(tmp_path, packages)
    wrong = [f"{block['place']}: {text}" for block in found for text in block["wrong"]]
    assert not wrong, "\n".join(wrong)
    check_author(tmp_path / AUTHOR)
    check_example(tmp_path / PLUGINS, [said for block in found for said in block["said"]])


def run_pages(root: Path, packages: Path) -> list[dict]:
    """Run all blocks that are not only parsed, in one process; return them with what they said."""
    jobs = []
    for page in pages():
        name = page.relative_to(ROOT).as_posix()
        links = {} if name == NEWCOMER else MADE if name == AUTHOR else MADE | SUPPOSED
        todo = [
            {
                "place": str(one),
                "language": one.language,
                "text": one.text,
                "exit_code": one.exit_code,
            }
            for one in blocks(page)
            if one.language in SHELL | {"python"} and not one.is_parsed_only
        ]
        jobs.append(
            {
                "folder": str(root / name),
                "links": {link: str(root / target) for link, target in links.items()},
                "predictions": {"theirs": 1} if name == AUTHOR else {},
                "blocks": todo,
            }
        )
    job, result = root / "job.json", root / "result.json"
    job.write_text(json.dumps(jobs))
    (root / "cache").mkdir()  # what is kept per user stays here, but for the built face model
    models = face_model_path("anny").parent
    models.mkdir(parents=True, exist_ok=True)
    (root / "cache" / models.name).symlink_to(models)
    environment = os.environ | {
        "PYTHONPATH": str(packages),
        "FOCSBENCH_CACHE": str(root / "cache"),
    }
    command = [sys.executable, RUNNER, job, result]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [block for page in json.loads(result.read_text()) for block in page["blocks"]]


def install_example(target: Path, work: Path) -> None:
    """Install the example package beside focsbench, by pip and without a network.

    Where an environment has no pip, by hand, as pip would.
    """
    if importlib.util.find_spec("pip") is None:
        points = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
        ((group, entries),) = points.items()
        lines = [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
        shutil.copytree(EXAMPLE, target)
        facts = target / "stretched_mean-0.1.0.dist-info"
        facts.mkdir()
        header = ("Metadata-Version: 2.1", "Name: stretched-mean", "Version: 0.1.0", "")
        (facts / "METADATA").write_text("\n".join(header))
        (facts / "entry_points.txt").write_text("\n".join(lines) + "\n")
        return
    copy = work / "example"
    shutil.copytree(EXAMPLE, copy)  # pip builds in the folder
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-index", "--no-deps", "--no-build-isolation", "--target", target, copy),
    ]
    subprocess.run(command, check=True, capture_output=True)


def check_author(folder: Path) -> None:
    """Whoever follows the tutorial has a score of every image, and the files it names."""
    lines = (folder / "NoW/imagepathsvalidation.txt").read_text().split()
    images = json.loads((folder / "my_method.json").read_text())["images"]
    assert [one["image"] for one in images] == lines
    for name in ("my_method_scores", "my_method_ar_masks", "my_method_ar_fit"):
        summary = json.loads((folder / name / "summary.json").read_text())
        assert {entry["done_rate"] for entry in summary} == {1}
        assert (folder / name / "protocol_card.md").is_file()
    for name in ("comparison/comparison.tex", "curves/cumulative_error.pdf", "submission.zip"):
        assert (folder / name).stat().st_size > 0


def check_example(folder: Path, said: list[str]) -> None:
    """A package of somebody else's is in the list, passes the mock run, and is in a table."""
    line = "  stretched_mean       stretched_mean:StretchedMean"
    assert any(line in text.splitlines() for text in said)
    assert any("stretched_mean:" in text and " 0 failed" in text for text in said)
    table = (folder / "stretched-run/reports/table3.md").read_text()
    row = next(row for row in table.splitlines() if "Stretched mean face" in row)
    assert any(cell.strip()[:1].isdigit() for cell in row.split("|"))
