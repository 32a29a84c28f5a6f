"""Code and commands of docs/own-predictions.md are run, on tiny datasets of the same layouts."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from now_support import LINES, write_dataset
from test_data_layouts import write_ar

from focsbench.convert import ADAPTERS
from focsbench.convert.adapter import NOW_IN_68
from focsbench.face_models.bfm2017_landmarks import NOMOUTH7

PAGE = Path(__file__).resolve().parents[1] / "docs" / "own-predictions.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.slow
def test_the_page_works(tmp_path, focsbench, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path / "NoW")
    write_ar(tmp_path / "AR")
    codes, commands = blocks("python"), blocks("sh")
    assert len(codes) == len(commands) == 2
    for code, lines in zip(codes, commands, strict=True):
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
        for line in lines.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "focsbench"
            status, out, err = focsbench(*arguments)
            assert status == 0, f"{line}: {out}{err}"
    images = json.loads((tmp_path / "my_method.json").read_text())["images"]
    assert [one["image"] for one in images] == list(LINES)
    for folder in ("my_method_scores", "my_method_ar_masks", "my_method_ar_fit"):
        summary = json.loads((tmp_path / folder / "summary.json").read_text())
        assert {entry["done_rate"] for entry in summary} == {1}
        assert (tmp_path / folder / "protocol_card.md").is_file()


def test_tables_of_the_page_are_those_of_the_code():
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \|.*\| (\d+) \| (\d+) \| (\d+) \|$", text, re.M)
    assert [int(row[1]) for row in rows] == list(NOW_IN_68)
    assert [int(row[2]) for row in rows] == [number - 17 for number in NOW_IN_68]
    assert tuple(int(row[3]) for row in rows) == NOMOUTH7
    for name in ADAPTERS:
        assert f"| `{name}` |" in text
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (PAGE.parent / link).exists(), link
