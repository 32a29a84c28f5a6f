"""The proposed method against every other row: differences, intervals, tests, answers in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .base import ReportContext, write_text
from .comparison import Comparison, Contender, adjust, compare, main_numbers, numbers_of
from .comparison_table import OVER_METHODS, comparison_csv, comparison_table, sentence
from .evidence import Evidence, evidence_of
from .table_writers import latex_table, markdown_table, plain_markdown

NAME = "comparisons"
TITLE = "Is the proposed method better than the others?"


class Comparisons:
    """``comparisons.md``, ``.tex`` and ``.csv``; the main numbers of every protocol and subset."""

    name = "comparisons"  # plans read it from the source, so it is spelled out

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_comparisons(context, [evidence_of(context)])


def write_comparisons(context: ReportContext, runs: Sequence[Evidence]) -> list[Path]:
    """Write the comparisons in one run, or in several that differ by their seed."""
    comparisons = comparisons_of(context, runs)
    if not comparisons:
        return []
    table = comparison_table(comparisons, OVER_METHODS)
    stem = context.output / NAME
    markdown = f"# {TITLE}\n\n{comparisons_markdown(comparisons)}\n\n{markdown_table(table)}"
    return [
        write_text(stem.with_suffix(".md"), markdown),
        write_text(stem.with_suffix(".tex"), latex_table(table)),
        write_text(stem.with_suffix(".csv"), comparison_csv(comparisons)),
    ]


def comparisons_section(written: Mapping[str, Path]) -> list[str]:
    """Return the summary of written comparisons for a page that shows all reports.

    They took long, so they are read from their page.

    written: files of the run by name.
    """
    page = written.get(f"{NAME}.md")
    if page is None:
        return []
    summary = page.read_text(encoding="utf-8").split("\n\n")[1]
    link = f"Differences, intervals and tests: [{page.name}]({page.name})."
    return [f"## {TITLE}", summary, link]


def comparisons_of(context: ReportContext, runs: Sequence[Evidence]) -> list[Comparison]:
    """Compare the focus with every competing method; [] where the run lacks either.

    p values are adjusted over the methods, for each number.
    """
    others = [m for m in context.labels if m != context.focus and m not in context.references]
    present = set(context.results["method"])
    others = [method for method in others if method in present]
    if context.focus not in present or context.focus not in context.labels or not others:
        return []
    focus = Contender(context.labels[context.focus], context.focus, tuple(runs))
    pairs = [(focus, Contender(context.labels[m], m, tuple(runs))) for m in others]
    numbers = main_numbers(numbers_of(runs, [context.focus]))
    return adjust(compare(pairs, numbers), by_number=True)


def comparisons_markdown(comparisons: list[Comparison]) -> str:
    """Return one line per other method: in how many numbers which one is better."""
    return "\n".join(f"- {plain_markdown(line)}" for line in sentence(comparisons).splitlines())
