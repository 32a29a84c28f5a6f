"""``focsbench claims``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of finished runs; several are seeds."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where claims.md and claims.csv go; default: the first run."
        ),
    ] = None,
) -> None:
    """Judge the claims of the paper by the results of one or more runs.

    The exit code is 0 whatever the verdicts are, and 1 if a run cannot be read.
    """
    from focsbench.files import writable_file
    from focsbench.reports.claims_page import claims_text, write_claims
    from focsbench.reports.findings import headline
    from focsbench.reports.judging import judge
    from focsbench.runs.finished import labels_of, read_runs

    evidence = read_runs(runs)
    page = writable_file((output or runs[0]) / "claims.md", "--output")
    labels = labels_of([name for one in evidence for name in dict.fromkeys(one.results["method"])])
    findings = judge(evidence)
    typer.echo(f"{claims_text(findings)}\n\n{headline(findings)}\nFiles:")
    for path in write_claims(findings, labels, [one.name for one in evidence], page):
        typer.echo(f"  {path}")
