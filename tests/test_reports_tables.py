"""Tables print the numbers of the run, all of them and nothing else."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_support import CARDS, LABELS, fail, make_context

from focsbench.reports import supplement_table1, table1, table2, table3, table4, table5
from focsbench.reports.base import ReportContext
from focsbench.reports.paper_tables import TABLES
from focsbench.reports.published import load_published
from focsbench.reports.summary import failure_reason, index_summary
from focsbench.reports.table_spec import TableSpec
from focsbench.reports.table_writers import (
    escape_latex,
    latex_table,
    markdown_table,
    table_of_run,
    write_table,
)
from focsbench.reports.tables import build_table

HOSTILE = "50%_a&b"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ReportContext:
    return make_context(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("against", ["focs", "mofa", "hidden", ""])
def test_only_ties_with_the_best_row_that_is_shown_are_marked(context: ReportContext, against: str):
    column = table1.SPEC.columns[0]
    number = (column.protocol, column.subset, column.metric)
    values = {"focs": 1.0, "mofa": 2.0, "supervised_mofa": 1.1}
    summary = pd.DataFrame(
        [
            {"method": method, **dict(zip(("protocol", "subset", "metric"), number, strict=True)),
             "value": value, "std": None, "n": 9, "done_rate": 1.0,
             "against": "" if method == "focs" else against,
             "p_adjusted": None if method == "focs" else 0.5}
            for method, value in values.items()
        ]
    )  # fmt: skip
    table = build_table(table1.SPEC, replace(context, summary=summary))
    tied = {row[0].text for row in table.blocks[0] if row[1].tied}
    others = {LABELS["mofa"], LABELS["supervised_mofa"]}
    assert tied == (others if against == "focs" else set())


def markdown_rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return cells[2:]  # without headings and rule


def latex_rows(text: str) -> list[list[str]]:
    body = text.split(r"\midrule", 1)[1].split(r"\bottomrule")[0]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", line[:-2])] for line in lines]


def bare(cell: str) -> str:
    """The text of a cell without bold and without the notation of its format."""
    cell = re.sub(r"\\(?:textbf|underline)\{(.*)\}", r"\1", cell).replace("*", "")
    return cell.replace(r"$\pm$", "±").replace(r"\%", "%").replace("---", "—").replace("--", "–")


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: spec.name)
def test_every_printed_number_is_the_summary_at_printed_precision(
    context: ReportContext, spec: TableSpec
):
    table = build_table(spec, context)
    entries = index_summary(context.summary)
    methods = {label: method for method, label in LABELS.items()}
    for rows in (markdown_rows(markdown_table(table)), latex_rows(latex_table(table))):
        seen = 0
        for label, *cells, done in (row for row in rows if row[0] != "n"):
            for column, cell in zip(spec.columns, cells, strict=True):
                key = (methods[label], column.protocol, column.subset, column.metric)
                value, _, std = bare(cell).partition(" ± ")
                assert value == f"{entries[key].value:.{column.digits}f}"
                assert bool(std) == column.spread
                if std:
                    assert std == f"{entries[key].std:.{column.digits}f}"
                seen += 1
            assert bare(done) == "100.0 %"
        measured = sum((m, c.protocol, c.subset, c.metric) in entries
                       for m in LABELS if spec.shows(m, context) for c in spec.columns)  # fmt: skip
        assert seen == measured


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: spec.name)
def test_markdown_and_latex_print_the_same_cells(context: ReportContext, spec: TableSpec):
    table = table_of_run(spec, context)
    assert table is not None
    markdown, latex = markdown_rows(markdown_table(table)), latex_rows(latex_table(table))
    assert [[bare(c) for c in row] for row in markdown] == [[bare(c) for c in row] for row in latex]
    marks = {"textbf": "bold", "underline": "second"}
    assert [["bold" if "**" in c else "second" if "*" in c else "" for c in row]
            for row in markdown] == [
        [next((mark for name, mark in marks.items() if name in c), "") for c in row]
        for row in latex
    ]  # fmt: skip
    assert any("second" in line for line in markdown_table(table).splitlines()[-12:])


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: spec.name)
def test_bold_is_the_best_competing_row_of_ours(context: ReportContext, spec: TableSpec):
    published = load_published()[spec.name]
    table = build_table(spec, context, published)
    rows = [row for block in table.blocks for row in block]
    competing = {
        LABELS[m] for m in LABELS if m not in context.references and spec.shows(m, context)
    }
    for position, column in enumerate(spec.columns, start=1):
        bold = {row[0].text for row in rows if row[position].best}
        assert bold <= competing
        if column.better == "none":
            assert not bold
            continue
        values = {
            row[0].text: float(row[position].text.split(" ")[0])
            for row in rows
            if row[0].text in competing
        }
        best = (min if column.better == "lower" else max)(values.values())
        assert bold == {label for label, value in values.items() if value == best}


def test_second_place_is_the_next_printed_value_of_at_least_three(context: ReportContext):
    three = {"mofa": "MoFA", "supervised_mofa": "Supervised MoFA", "focs": "FOCS"}
    summary = context.summary.copy()
    where = (summary["protocol"] == "now") & (summary["metric"] == "median")
    for method, value in zip(three, (1.304, 1.298, 1.2), strict=True):
        summary.loc[where & (summary["method"] == method), "value"] = value

    def second(labels: dict[str, str]) -> set[str]:
        table = build_table(table3.SPEC, replace(context, summary=summary, labels=labels))
        return {row[0].text for row in table.blocks[0] if row[1].second}

    # 1.304 and 1.298 print the same: two values, the second of which is the last.
    assert second(three) == set()
    summary.loc[where & (summary["method"] == "pretrained"), "value"] = 1.5
    assert second({**three, "pretrained": "Pretrained"}) == {"MoFA", "Supervised MoFA"}
    assert second({"mofa": "MoFA", "focs": "FOCS"}) == set()


def test_rows_that_print_equal_are_bold_together(context: ReportContext):
    summary = context.summary.copy()
    where = (summary["protocol"] == "now") & (summary["metric"] == "median")
    summary.loc[where & (summary["method"] == "focs"), "value"] = 0.504
    summary.loc[where & (summary["method"] == "supervised_mofa"), "value"] = 0.496
    table = build_table(table3.SPEC, replace(context, summary=summary))
    bold = {row[0].text for row in table.blocks[0] if row[1].best}
    assert bold == {"FOCS", "Supervised MoFA"}


def test_a_single_row_is_not_best(context: ReportContext):
    table = build_table(table3.SPEC, replace(context, labels={"focs": "FOCS"}))
    assert not any(cell.best for cell in table.blocks[0][0])


def test_published_rows_are_marked_and_apart(context: ReportContext):
    table = table_of_run(table1.SPEC, context)
    assert table is not None
    *ours, published = table.blocks
    assert all(row[0].text.endswith(" (paper)") for row in published)
    assert not any("(paper)" in row[0].text for block in ours for row in block)
    proposed = next(row for row in published if row[0].text == "Proposed (paper)")
    assert [cell.text for cell in proposed[1:5]] == [
        "8.38 ± 0.42",
        "— (a)",
        "8.71 ± 0.48",
        "— (a)",
    ]
    assert any("arXiv 2106.09614v2, Table 1" in note for note in table.notes)


def _sum_of(rows: dict[str, dict[str, tuple[float, float | None]]]) -> float:
    return sum(value + (std or 0) for row in rows.values() for value, std in row.values())


def test_published_numbers_as_printed():
    tables = load_published()
    assert tables["table3"].rows["Proposed"]["now/occluded/std"] == (1.19, None)
    assert tables["table4"].rows["Deep3D"]["ar_segmentation/scarf/F1"] == (0.86, 0.05)
    assert tables["supplement_table1"].rows["Proposed"]["celeba_segmentation/overall/F1"] == (
        0.93,
        0.05,
    )
    for spec in TABLES:
        columns = {column.source for column in spec.columns}
        for row in tables[spec.name].rows.values():
            assert set(row) <= columns


def test_missing_cells_are_dashes_with_their_reason(context: ReportContext):
    broken = fail(context, method="mofa", protocol="celeba_rmse", subset="occluded")
    table = build_table(table1.SPEC, broken)
    row = next(row for row in table.blocks[0] if row[0].text == "MoFA")
    assert [cell.text for cell in row[3:5]] == ["— (a)", "— (a)"]
    assert row[-1].text == "0.0 %"
    assert "(a) failed on 4 of 4: no face found." in table.notes


def test_partly_failed_rows_keep_their_number_and_show_the_done_rate(context: ReportContext):
    broken = fail(context, method="focs", protocol="ar_segmentation", item="ar-scarf-1")
    table = build_table(table4.SPEC, broken)
    row = next(row for row in table.blocks[0] if row[0].text == "FOCS")
    assert row[-1].text == "75.0 %"
    counts = table.blocks[2][0]
    assert [cell.text for cell in counts[1:]] == ["4"] * 8 + ["3–4"] * 4 + [""]


def test_done_rate_is_never_rounded_up(context: ReportContext):
    summary = context.summary.copy()
    summary.loc[summary["method"] == "focs", "done_rate"] = 0.9996
    summary.loc[summary["method"] == "mofa", "done_rate"] = 0.29
    table = build_table(table3.SPEC, replace(context, summary=summary))
    done = {row[0].text: row[-1].text for row in table.blocks[0]}
    assert (done["FOCS"], done["MoFA"]) == ("99.9 %", "29.0 %")


def test_methods_without_the_quantity_are_named(context: ReportContext):
    notes = build_table(table4.SPEC, context).notes
    assert "Nothing to measure in this table: Mean face, MoFA, Supervised MoFA." in notes


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "not measured"),
        ([("overall", "pooled", "failed", "nothing scored")], "nothing scored"),
        ([("a", "1", "ok", ""), ("a", "2", "failed", "dark")], "failed on 1 of 2: dark"),
        ([("a", "1", "failed", "x"), ("b", "2", "failed", "y"), ("b", "3", "failed", "y")],
         "failed on 3 of 3: y"),
        ([("a", "1", "failed", "1: x"), ("b", "2", "failed", "2: y"), ("b", "3", "failed", "3: y")],
         "failed on 3 of 3: IMAGE: y"),
        ([("overall", "pooled", "failed", "nothing\nscored")], "nothing scored"),
    ],
)  # fmt: skip
def test_failure_reason_of_overall(rows: list[tuple[str, ...]], expected: str):
    table = pd.DataFrame(
        [("m", "p", subset, item, "v", status, reason) for subset, item, status, reason in rows],
        columns=["method", "protocol", "subset", "item", "metric", "status", "reason"],
    )
    assert failure_reason(table, ("m", "p", "overall", "v")) == expected


def test_notes_have_one_line(context: ReportContext):
    broken = fail(context, "CUDA error\n# Compile", method="mofa", protocol="celeba_rmse")
    table = table_of_run(table1.SPEC, broken)
    assert table is not None
    assert r"failed on 8 of 8: CUDA error \# Compile." in latex_table(table)
    assert "failed on 8 of 8: CUDA error # Compile." in markdown_table(table)
    named = replace(context, labels={**LABELS, "mofa": "a\nb"})
    table = table_of_run(table1.SPEC, named)
    assert table is not None
    assert "| a b " in markdown_table(table)
    assert "\na b & " in latex_table(table)


def test_latex_survives_special_characters_in_names(context: ReportContext):
    hostile = replace(context, labels={**LABELS, "mofa": HOSTILE, "focs": "[x]"})
    table = table_of_run(table1.SPEC, hostile)
    assert table is not None
    text = latex_table(table)
    assert r"50\%\_a\&b & " in text
    assert HOSTILE not in text
    # "[" after the end of a row would be an argument of the line break.
    assert "\n{}[x] & " in text
    rows = latex_rows(text)
    assert all(len(row) == len(table1.SPEC.columns) + 2 for row in rows)
    assert text.count(r"\begin{") == text.count(r"\end{")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=12))
def test_escape_latex_leaves_no_bare_special_character(text: str):
    escaped = escape_latex(text)
    commands = r"\\textbackslash|\\textasciitilde|\\textasciicircum|\\[&%$#_{}]|\$\\\w+\$"
    assert not re.search(r"[\\&%$#_{}~^]", re.sub(commands, "", escaped))


def test_latex_has_booktabs_rules_and_groups(context: ReportContext):
    table = table_of_run(table3.SPEC, context)
    assert table is not None
    lines = latex_table(table).splitlines()
    top = lines.index(r"\toprule")
    assert lines[top + 1] == (
        r" & \multicolumn{3}{c}{Unoccluded} & \multicolumn{3}{c}{Occluded} &  \\"
    )
    assert lines[top + 2] == r"\cmidrule(lr){2-4} \cmidrule(lr){5-7}"
    assert lines.count(r"\midrule") == len(table.blocks)
    published = next(i for i, line in enumerate(lines) if "(paper)" in line)
    assert lines[published - 1] == r"\midrule"


def test_ablations_have_a_table_of_their_own(context: ReportContext):
    ablations = {"Baseline", "Neighbour", "Perceptual"}
    labels = {
        spec.name: {row[0].text for row in build_table(spec, context).blocks[0]} for spec in TABLES
    }
    assert labels["table5"] == ablations | {"Pretrained", "FOCS"}
    assert ablations <= labels["supplement_table1"]
    assert not any(ablations & labels[f"table{number}"] for number in (1, 2, 3, 4))
    note = "Ablations of the proposed method, see Table 5: Baseline, Neighbour, Perceptual."
    assert note in build_table(table4.SPEC, context).notes
    assert note not in build_table(supplement_table1.SPEC, context).notes
    without = {name: label for name, label in LABELS.items() if label not in ablations}
    assert note not in build_table(table4.SPEC, replace(context, labels=without)).notes


def test_no_ablation_table_of_bounds_alone(context: ReportContext):
    bounds = {"everything_visible": "Everything visible", "mofa": "MoFA"}
    assert table_of_run(table5.SPEC, replace(context, labels=bounds)) is None
    assert table_of_run(table4.SPEC, replace(context, labels=bounds)) is not None


def test_rows_from_elsewhere_than_the_paper_say_so(context: ReportContext):
    table = build_table(table2.SPEC, context, load_published()["table2"])
    published = [row[0].text for row in table.blocks[-1]]
    assert published[5:7] == ["Proposed (paper)", "Deep3D (PyTorch) (README)"]
    assert any(note.startswith("(README): printed in the README of") for note in table.notes)


def test_files_carry_the_protocol_cards(context: ReportContext, tmp_path: Path):
    markdown, latex, data = write_table(table1.SPEC, replace(context, output=tmp_path))
    assert (markdown.name, latex.name, data.name) == ("table1.md", "table1.tex", "table1.csv")
    text = markdown.read_text()
    assert CARDS["celeba_rmse"] in text
    assert CARDS["ar_rmse"] in text
    assert CARDS["now"] not in text
    after = latex.read_text().split(r"\end{table*}")[1].strip().splitlines()
    assert all(line.startswith("%") for line in after)
    assert "% ### Protocol `ar_rmse` 1.0" in after


def test_a_run_without_the_protocol_writes_nothing(context: ReportContext, tmp_path: Path):
    only_now = context.summary[context.summary["protocol"] == "now"]
    bare_run = replace(context, summary=only_now, output=tmp_path)
    assert table1.Table1().write(bare_run) == []
    assert table4.Table4().write(bare_run) == []
    assert len(table3.Table3().write(bare_run)) == 4


def test_summary_reads_missing_numbers_as_none():
    frame = pd.DataFrame(
        [{"method": "m", "protocol": "p", "subset": "s", "metric": "v", "value": math.nan,
          "std": None, "n": 0, "done_rate": 0.0}]
    )  # fmt: skip
    entry = index_summary(frame)["m", "p", "s", "v"]
    assert (entry.value, entry.std, entry.n) == (None, None, 0)
