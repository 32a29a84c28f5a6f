"""Print a table as Markdown and as LaTeX (booktabs), from the same cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from focsbench.errors import one_line

from .base import ReportContext, write_text
from .latex_text import TIE, latex_characters
from .published import load_published
from .table_data import table_csv
from .table_spec import TableSpec
from .tables import Cell, Table, Uncertainty, build_table


def write_table(spec: TableSpec, context: ReportContext) -> list[Path]:
    """Write ``<name>.md``, ``.tex`` and ``.csv``; nothing when the run has no number for it.

    The Markdown file has the table as the paper prints it, with intervals, and, where a method
    misses items, over the items that all methods have; the CSV file has the numbers behind all.
    """
    table = table_of_run(spec, context)
    if table is None:
        return []
    cards = [context.cards[name].strip() for name in spec.protocols if name in context.cards]
    heading = f"# {spec.heading}. {spec.title}"
    markdown = "\n\n".join([heading, markdown_table(table), *_variants(spec, context), *cards])
    # Cards are comments in LaTeX: the file stays a float that a paper can \input.
    comments = "".join(f"% {line}".rstrip() + "\n" for c in cards for line in c.splitlines())
    return [
        write_text(context.output / f"{spec.name}.md", markdown),
        write_text(context.output / f"{spec.name}.tex", latex_table(table) + comments),
        write_text(context.output / f"{spec.name}.csv", table_csv(spec, context)),
    ]


def _variants(spec: TableSpec, context: ReportContext) -> list[str]:
    """Return the table with intervals and over paired items, as far as the run knows them."""
    wanted = context.summary["protocol"].isin(spec.protocols)
    known = context.summary[wanted]
    sections = []
    if "low" in known and known["low"].notna().any():
        table = build_table(spec, context, uncertainty="interval")
        sections += ["## 95 % intervals by subject", markdown_table(table)]
    if "paired" in known and known["paired"].notna().any() and (known["done_rate"] < 1).any():
        table = build_table(spec, context, uncertainty="none", paired=True)
        sections += ["## On the items that all methods have", markdown_table(table)]
    return sections


def table_of_run(
    spec: TableSpec, context: ReportContext, uncertainty: Uncertainty = "paper"
) -> Table | None:
    """Build the table of a run, or None when the run has no number for it."""
    # Bounds alone make no table of chosen rows: there is nothing that they would bound.
    bounds = context.references if spec.only is not None else frozenset()
    methods = [m for m in context.labels if spec.shows(m, context) and m not in bounds]
    summary = context.summary
    if not (summary["protocol"].isin(spec.protocols) & summary["method"].isin(methods)).any():
        return None
    return build_table(spec, context, load_published().get(spec.name), uncertainty)


def markdown_table(table: Table) -> str:
    """Return a GitHub table with its notes below."""
    headings = [plain_markdown(f"{group} {title}".strip()) for group, title in table.headings]
    rows = [[_markdown_cell(cell) for cell in row] for block in table.blocks for row in block]
    body = tabulate(
        rows,
        headings,
        tablefmt="github",
        disable_numparse=True,
        colalign=["left" if place in table.texts else "right" for place in range(len(headings))],
    )
    notes = (*ranking_notes(table, "italic"), *table.notes)
    return body + "\n\n" + "\n".join(f"- {plain_markdown(note)}" for note in notes)


def ranking_notes(table: Table, second: str) -> list[str]:
    """Say what the marks of the cells mean, where there are any."""
    cells = [cell for block in table.blocks for row in block for cell in row]
    if not any(cell.best for cell in cells):
        return []
    more = f"; {second}: second best" if any(cell.second for cell in cells) else ""
    notes = [f"Bold: {table.bold}{more}."]
    if any(cell.tied for cell in cells):
        notes.append(
            f"{TIE}: not told apart from the best one by the paired permutation test by subject "
            "(adjusted p above 0.05)."
        )
    return notes


def _markdown_cell(cell: Cell) -> str:
    text = plain_markdown(cell.text)
    if cell.best:
        return f"**{text}**"
    text = f"*{text}*" if cell.second else text
    return f"{text} {TIE}" if cell.tied else text


def latex_table(table: Table) -> str:
    """Return a ``table*`` float for the packages booktabs and graphicx, notes below the table.

    A table that is wider than the page is scaled down to it.
    """
    columns = pd.MultiIndex.from_tuples(table.headings)
    rows = [row for block in table.blocks for row in block]
    # Positions instead of headings as column labels would lose the groups, so the frame keeps
    # them; the index stays a plain range, because two methods may share a printed name.
    frame = pd.DataFrame([[_latex_text(cell) for cell in row] for row in rows], columns=columns)
    places = [[_latex_place(cell) for cell in row] for row in rows]
    style = frame.style.hide(axis="index")
    style.format(escape="latex").format_index(escape="latex", axis=1)
    style.apply(lambda f: pd.DataFrame(places, index=f.index, columns=f.columns), axis=None)
    alignment = "".join("l" if place in table.texts else "r" for place in range(len(columns)))
    text = style.to_latex(hrules=True, multicol_align="c", column_format=alignment)
    # After a row's end LaTeX takes "[" and "*" for arguments of the line break.
    lines = ["{}" + line if line.startswith(("[", "*")) else line for line in text.splitlines()]
    lines.insert(lines.index(next(x for x in lines if r"\toprule" in x)) + 2, _cmidrules(table))
    first = next(i for i, line in enumerate(lines) if r"\midrule" in line and "cmid" not in line)
    for position in _block_ends(table):
        lines.insert(first + 1 + position, r"\midrule")
    notes = (*ranking_notes(table, "underlined"), *table.notes)
    head = [
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{escape_latex(table.spec.title)}}}",
        rf"\label{{tab:{table.spec.name}}}",
        r"\footnotesize\setlength{\tabcolsep}{4pt}",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
    ]
    tail = [
        "}",
        r"\par\smallskip\raggedright",
        " ".join(map(escape_latex, notes)),
        r"\end{table*}",
        "",
    ]
    return latex_characters("\n".join([*head, *lines, *tail]))


def _latex_text(cell: Cell) -> str:
    text = one_line(cell.text)
    return f"{text}{TIE}" if cell.tied else text


def _latex_place(cell: Cell) -> str:
    if cell.best:
        return "textbf: --rwrap;"
    return "underline: --rwrap;" if cell.second else ""


def escape_latex(text: str) -> str:
    """Escape the special characters of LaTeX in plain text, with pandas' own rules."""
    body = pd.DataFrame([[one_line(text)]]).style.hide(axis="index").hide(axis="columns")
    line = body.format(escape="latex").to_latex().splitlines()[1]
    return latex_characters(line.removesuffix(r"\\").strip())


def _cmidrules(table: Table) -> str:
    rules, start = [], 1
    for group, members in groupby(group for group, _ in table.headings):
        end = start + len(list(members)) - 1
        if group:
            rules.append(rf"\cmidrule(lr){{{start}-{end}}}")
        start = end + 1
    return " ".join(rules)


def _block_ends(table: Table) -> Sequence[int]:
    """Row positions, in the printed table with rules already inserted, that a rule follows."""
    ends, position = [], 0
    for block in table.blocks[:-1]:
        position += len(block)
        ends.append(position)
        position += 1
    return ends


def plain_markdown(text: str) -> str:
    """Escape what Markdown would read as markup; a line break would end a cell or a list."""
    text = one_line(text)
    for character in "\\`*_|<[$~&":
        text = text.replace(character, "\\" + character)
    return text
