"""The results of a run over several seeds together."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from focsbench import registry
from focsbench.files import write_atomically, write_json
from focsbench.profiles.profile import Profile
from focsbench.registry import Kind
from focsbench.runs.run_folder import RESULTS, SEED_RESULTS, SEED_SUMMARY, SUMMARY, RunFolder
from focsbench.runs.score import COLUMNS, read_rows, row_cells
from focsbench.runs.seed_summary import summarise_seeds
from focsbench.runs.summary import SummaryEntry
from focsbench.types import ResultRow


def write_over_seeds(
    run: RunFolder, profile: Profile, members: Mapping[int, RunFolder], labels: Mapping[str, str]
) -> list[Path]:
    """Write what the seeds of a run say together; return the files.

    Args:
        run: the outer folder.
        profile: of the whole run.
        members: the run folder of each seed that has results.
        labels: printed name by method; without any, no reports are written.
    """
    rows = {seed: read_rows(member.root / RESULTS) for seed, member in members.items()}
    summary = [
        dataclasses.asdict(entry)
        for entry in summarise_seeds(
            {seed: _summary(member.root) for seed, member in members.items()}
        )
    ]
    files = [run.root / SEED_RESULTS, run.root / SEED_SUMMARY]
    write_atomically(files[0], _joined(rows).encode())
    write_json(files[1], summary)
    if not labels:
        return files
    import pandas as pd

    from focsbench.reports.base import ReportContext
    from focsbench.reports.seed_tables import write_seed_reports
    from focsbench.runs.finished import read_evidence

    context = ReportContext(
        results=pd.DataFrame([dataclasses.asdict(row) for many in rows.values() for row in many]),
        summary=pd.DataFrame(summary),
        cards={
            name: registry.load(Kind.PROTOCOL, name)().card.as_markdown()
            for name in profile.protocols
        },
        labels=labels,
        output=run.reports,
        run=f"profile {profile.name}, {profile.evaluation_split} split, "
        f"seeds {', '.join(map(str, members))}",
        seed=profile.seed,
    )
    evidence = [read_evidence(member) for member in members.values()]
    return [*files, *write_seed_reports(context, evidence, _failed(profile, members))]


def _summary(folder: Path) -> list[SummaryEntry]:
    return [SummaryEntry(**entry) for entry in json.loads((folder / SUMMARY).read_bytes())]


def _joined(rows: Mapping[int, Sequence[ResultRow]]) -> str:
    """Return the rows of all seeds as CSV with a first column ``seed``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["seed", *COLUMNS])
    for seed, members in rows.items():
        writer.writerows([seed, *row_cells(row)] for row in members)
    return text.getvalue()


def _failed(profile: Profile, members: Mapping[int, RunFolder]) -> list[int]:
    """Return the seeds of a run that have no results."""
    return [profile.seed + n for n in range(profile.seeds) if profile.seed + n not in members]
