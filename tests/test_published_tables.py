"""The rows of the paper, rendered by our tables, equal what is printed there, digit by digit.

``golden/published_tables.txt`` has them as printed. ``FOCSBENCH_PAPER_TABLES`` may name a
transcription of the paper by other hands, with which the golden file is then compared.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from reports_support import make_context

from focsbench.reports.paper_tables import TABLES
from focsbench.reports.published import load_published
from focsbench.reports.table_writers import latex_table, markdown_table
from focsbench.reports.tables import build_table

GOLDEN = Path(__file__).parent / "golden" / "published_tables.txt"
TRANSCRIPTION = os.environ.get("FOCSBENCH_PAPER_TABLES", "")
OTHER_NAMES = {
    "Deep3D (TensorFlow numbers)": "Deep3D (TensorFlow)",
    "Deep3D PyTorch": "Deep3D (PyTorch)",
}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return make_context(tmp_path_factory.mktemp("run"))


def golden():
    """Lines by table."""
    tables = {}
    for block in GOLDEN.read_text(encoding="utf-8").strip().split("\n\n"):
        name, *lines = block.splitlines()
        tables[name] = lines
    return tables


def published_lines(spec, rows):
    """Printed rows as lines, without the columns that the paper does not have."""
    columns = set().union(*load_published()[spec.name].rows.values())
    lines = []
    for label, *cells in rows:
        if re.search(r"\((paper|README)\)$", label):
            chosen = zip(spec.columns, cells, strict=False)
            lines.append(" | ".join([label, *(c for col, c in chosen if col.source in columns)]))
    return lines


def markdown_rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("\\", "") for cell in line[1:-1].split("|")] for line in lines]


def latex_rows(text):
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    return [
        [cell.strip().replace(r"$\pm$", "±") for cell in line[:-2].split("&")] for line in lines
    ]


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: spec.name)
def test_rows_of_the_paper_are_rendered_as_printed(context, spec):
    table = build_table(spec, context, load_published()[spec.name])
    expected = golden()[spec.name]
    assert published_lines(spec, markdown_rows(markdown_table(table))) == expected
    assert published_lines(spec, latex_rows(latex_table(table))) == expected


def test_the_golden_file_has_the_tables_of_the_paper_and_no_others():
    assert list(golden()) == [spec.name for spec in TABLES] == list(load_published())


def test_a_number_without_a_column_stands_in_the_note(context):
    (spec,) = (spec for spec in TABLES if spec.name == "table4")
    text = markdown_table(build_table(spec, context, load_published()["table4"]))
    assert "0.90 unoccluded, 0.87 glasses, 0.86 scarf (paper)" in text


@pytest.mark.skipif(not TRANSCRIPTION, reason="FOCSBENCH_PAPER_TABLES names no file")
def test_another_transcription_of_the_paper_has_the_same_numbers():
    paper = tomllib.loads(Path(TRANSCRIPTION).read_text(encoding="utf-8"))
    assert golden() == {
        "table1": transcribed_table1(paper["table1"]),
        "table2": lines(paper["table2"]["rows"])
        + lines(paper["table2"]["extra_rows_from_repo_README"], "README"),
        "table3": lines(joined(paper["table3"], "unoccluded", "occluded")),
        "table4": lines(joined(paper["table4"], "unoccluded", "glasses", "scarf")),
        "table5": lines(transcribed_table5(paper["table5"])),
        "supplement_table1": lines(
            joined(
                paper["supp_table1"],
                *(f"CelebA-{x}" for x in ("Unoccluded", "Occluded", "Overall")),
            )
        ),
    }


def lines(rows, mark="paper"):
    """Rows of numbers; a fifth number behind four is the spread of the fourth."""
    return [
        " | ".join([f"{OTHER_NAMES.get(name, name)} ({mark})", *map(text, values)])
        for name, values in rows.items()
    ]


def text(value):
    return (
        " ± ".join(f"{number:.2f}" for number in value)
        if isinstance(value, tuple)
        else f"{value:.2f}"
    )


def masks(numbers):
    accuracy, precision, recall, f1, spread = numbers
    return [accuracy, precision, recall, (f1, spread)]


def joined(table, *subsets):
    """Rows over all subsets, one after the other."""
    return {
        name: [
            value
            for subset in subsets
            for value in (masks if len(table[subset][name]) == 5 else list)(table[subset][name])
        ]
        for name in table[subsets[0]]
    }


def transcribed_table1(table):
    rows = table["rows"].values()
    return lines(
        {
            name: [(row["mean"][place], row["std"][place]) for row in rows]
            for place, name in enumerate(table["columns"])
        }
    )


def transcribed_table5(table):
    parts = ("ar_unoccluded", "ar_glasses", "ar_scarf")
    return {
        name: [*(value for part in parts for value in masks(row[part])), *row["now_val"]]
        for name, row in table.items()
        if isinstance(row, dict)
    }
