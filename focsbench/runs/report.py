"""The steps after scoring: all rows in one table, and the reports made from it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from focsbench import registry
from focsbench.data.layouts import open_dataset
from focsbench.files import write_atomically, write_json
from focsbench.registry import Kind
from focsbench.runs.datasets import dataset_root
from focsbench.runs.run_folder import RESULTS, SUMMARY, SUMMARY_TABLE
from focsbench.runs.score import ARRAYS, ROWS, read_rows, write_rows
from focsbench.runs.summary import SummaryEntry, summarise, summary_csv
from focsbench.runs.uncertainty import with_uncertainty
from focsbench.types import ResultRow


def aggregate_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Join the rows of all scores and summarise them.

    config: scores, the step names in the order of the rows; one that failed is not in ``inputs``.
    """
    del workers
    scores = [step for step in config["scores"] if step in inputs]
    rows: list[ResultRow] = []
    arrays: dict[str, dict[str, Path]] = {}
    for step in scores:
        found = read_rows(inputs[step] / ROWS)
        rows += found
        if found:
            arrays.setdefault(found[0].protocol, {})[found[0].method] = inputs[step] / ARRAYS
    write_rows(out / RESULTS, rows)
    write_summary(out, with_uncertainty(summarise(rows), rows, arrays))


def write_summary(folder: Path, entries: Sequence[SummaryEntry]) -> None:
    """Write ``summary.json`` and ``summary.csv`` into an existing folder."""
    write_json(folder / SUMMARY, [dataclasses.asdict(entry) for entry in entries])
    write_atomically(folder / SUMMARY_TABLE, summary_csv(entries).encode())


def report_step(inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int) -> None:
    """Write one report.

    config: report, run (a line for the reader), seed, split, image_size, labels (method, label),
        protocols, predictions ({dataset: {method: step}}), distances ({method: step}), results
        (the step whose rows it shows, if it is not ``aggregate``). Predictions and distances
        that failed are not in ``inputs``. profile and environment, for reports that print them.
    """
    import pandas as pd

    from focsbench.reports.base import ReportContext

    del workers
    results = inputs[config.get("results", "aggregate")]
    protocols = {name: registry.load(Kind.PROTOCOL, name)() for name in config["protocols"]}
    datasets = {
        name: open_dataset(
            dataset_root(inputs["data"], name, config["split"]),
            name,
            config["split"],
            config["image_size"],
        )
        for name in config["predictions"]
    }
    context = ReportContext(
        results=pd.read_csv(results / RESULTS, dtype={"value": float}, keep_default_na=False,
                            na_values={"value": [""]}),
        summary=pd.DataFrame(json.loads((results / SUMMARY).read_bytes())),
        cards={
            name: protocol.card.on(datasets.get(protocol.dataset)).as_markdown()
            for name, protocol in protocols.items()
        },
        labels=dict(config["labels"]),
        output=out,
        run=_title(inputs, config),
        seed=config["seed"],
        sweep=inputs.get("sweep"),
        config=config.get("profile", {}),
        environment=config.get("environment", {}),
        distances={
            method: inputs[step] / ARRAYS
            for method, step in config["distances"].items()
            if step in inputs
        },
        predictions={
            dataset: {method: inputs[step] for method, step in steps.items() if step in inputs}
            for dataset, steps in config["predictions"].items()
        },
        datasets=datasets,
    )  # fmt: skip
    registry.load(Kind.REPORT, config["report"])().write(context)


def _title(inputs: dict[str, Path], config: dict[str, Any]) -> str:
    """Return the line that names the run, and the rows that failed in it."""
    failed = [
        label
        for method, label in config["labels"]
        if any(step not in inputs for step in _steps_of(method, config))
    ]
    return f"{config['run']}, incomplete: {', '.join(failed)} failed" if failed else config["run"]


def _steps_of(method: str, config: dict[str, Any]) -> list[str]:
    named = [*config["predictions"].values(), config["distances"]]
    return [steps[method] for steps in named if method in steps]
