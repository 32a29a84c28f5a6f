"""Finished runs, or bare results, as reports see them: nothing is computed or trained again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focsbench import registry
from focsbench.errors import InputError
from focsbench.registry import Kind
from focsbench.runs.finished import NOW, SWEEP, labels_of, read_evidence, read_results, sweep_folder
from focsbench.runs.run_folder import RESULTS, SEED_SUMMARY, SUMMARY, RunFolder, run_folders
from focsbench.runs.score import ARRAYS, read_rows
from focsbench.runs.summary import SummaryEntry, summarise
from focsbench.runs.uncertainty import with_uncertainty

if TYPE_CHECKING:
    import pandas as pd

    from focsbench.reports.base import ReportContext


@dataclass(frozen=True)
class Shown:
    """A run to print.

    over_seeds: its numbers are means and standard deviations over seeds.
    """

    context: ReportContext
    over_seeds: bool = False


def read_shown(paths: Sequence[Path]) -> Shown:
    """Read runs (or ``results.csv`` and folders of ``focsbench score``) to print them.

    Several stand side by side: a row for every method of each, named after both.

    Raises:
        InputError: if one is neither, or only some of them are runs over seeds.
    """
    shown = [_read(path) for path in paths]
    if len(shown) == 1:
        return shown[0]
    if len({each.over_seeds for each in shown}) > 1:
        raise InputError(
            f"{paths[0]}: a run over several seeds and one over a single seed do not stand in one "
            "table; name the folder of one seed, RUN/seed-0."
        )
    names = unique_names(paths)
    return Shown(_side_by_side([each.context for each in shown], names), shown[0].over_seeds)


def unique_names(paths: Sequence[Path]) -> list[str]:
    """Return the last parts of paths that are needed to tell them apart."""
    parts = [path.resolve().parts for path in paths]
    if len(set(parts)) < len(parts):
        raise InputError(f"{paths[-1]}: named twice; name different runs.")
    depth = 1
    while len({each[-depth:] for each in parts}) < len(parts):
        depth += 1
    return ["/".join(each[-depth:]) for each in parts]


def _read(path: Path) -> Shown:
    run = RunFolder(path)
    if not run.config.is_file():
        return _read_results_alone(path)
    config = run.read_config()
    if len(run_folders(path)) > 1:
        return _read_seeds(run, config)
    evidence = read_evidence(run)
    summary = _frame(run.root / SUMMARY)
    if "low" not in summary:  # written before summaries had intervals
        rows = read_rows(run.root / RESULTS)
        arrays = {NOW: evidence.distances, **evidence.more_distances}
        summary = _entries(with_uncertainty(summarise(rows), rows, arrays))
    sweep = sweep_folder(run.store, evidence.data)
    if sweep is not None and not (summary["protocol"] == SWEEP).any():
        import pandas as pd

        summary = pd.concat([summary, _frame(sweep / SUMMARY)], ignore_index=True)
    return Shown(
        _context(
            evidence.results,
            summary,
            config.get("methods", ()),
            evidence.name,
            distances=evidence.distances,
            sweep=sweep,
        )
    )


def _read_seeds(run: RunFolder, config: Mapping[str, Any]) -> Shown:
    import pandas as pd

    members = [member.root for member in run_folders(run.root)]
    results = [read_results(root / RESULTS) for root in members if (root / RESULTS).is_file()]
    if not results:
        raise InputError(f"{run.root}: no seed has results; finish it with `focsbench run-all`.")
    name = f"{run.root.name}: profile {config.get('name')}, {len(results)} seeds"
    summary = _frame(run.root / SEED_SUMMARY)
    every = pd.concat(results, ignore_index=True)
    return Shown(_context(every, summary, config.get("methods", ()), name), over_seeds=True)


def _read_results_alone(path: Path) -> Shown:
    file = path / RESULTS if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"{path}: neither a run nor results; name a folder of run-all or score.")
    results = read_results(file)
    rows = read_rows(file)
    names = results[["protocol", "method"]].drop_duplicates().to_numpy().tolist()
    arrays: dict[str, dict[str, Path]] = {}
    if len(names) == 1 and (file.parent / ARRAYS).is_dir():
        arrays = {names[0][0]: {names[0][1]: file.parent / ARRAYS}}
    summary = _entries(with_uncertainty(summarise(rows), rows, arrays))
    distances = arrays.get(NOW, {})
    return Shown(_context(results, summary, (), str(path), distances=distances))


def _context(
    results: pd.DataFrame,
    summary: pd.DataFrame,
    listed: Iterable[str],
    name: str,
    **more: Any,
) -> ReportContext:
    """listed: methods in the order of the tables; others of the results come after them."""
    from focsbench.reports.base import ReportContext

    rows = results[results["protocol"] != SWEEP]
    methods = list(dict.fromkeys([*listed, *map(str, rows["method"])]))
    known = labels_of(methods)
    return ReportContext(
        results=results,
        summary=summary,
        cards=_cards(dict.fromkeys(map(str, rows["protocol"]))),
        labels={method: known.get(method, method) for method in methods},
        output=Path(),
        run=name,
        **more,
    )


def _cards(protocols: Iterable[str]) -> dict[str, str]:
    known = set(registry.names(Kind.PROTOCOL))
    return {
        name: registry.load(Kind.PROTOCOL, name)().card.as_markdown()
        for name in protocols
        if name in known
    }


def _side_by_side(contexts: Sequence[ReportContext], names: Sequence[str]) -> ReportContext:
    import pandas as pd

    from focsbench.reports.base import OF_RUN

    def named(frame: pd.DataFrame, name: str) -> pd.DataFrame:
        there = [column for column in ("method", "against") if column in frame]
        renamed = {
            column: frame[column].map(lambda method: method and f"{method}{OF_RUN}{name}")
            for column in there
        }
        return frame.assign(**renamed)

    both = list(zip(contexts, names, strict=True))
    first = contexts[0]
    methods = list(dict.fromkeys(method for context in contexts for method in context.labels))
    return replace(
        first,
        results=pd.concat([named(c.results, name) for c, name in both], ignore_index=True),
        summary=pd.concat([named(c.summary, name) for c, name in both], ignore_index=True),
        cards={key: card for context in contexts for key, card in context.cards.items()},
        labels={
            f"{method}{OF_RUN}{name}": f"{context.labels[method]} ({name})"
            for method in methods
            for context, name in both
            if method in context.labels
        },
        run=", ".join(context.run for context in contexts),
        distances={
            f"{method}{OF_RUN}{name}": folder
            for context, name in both
            for method, folder in context.distances.items()
        },
        sweep=None,
        references=frozenset(
            f"{method}{OF_RUN}{name}" for context, name in both for method in context.references
        ),
        focus=f"{first.focus}{OF_RUN}{names[0]}",
    )


def _entries(entries: Sequence[SummaryEntry]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([vars(entry) for entry in entries])


def _frame(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.DataFrame(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as a summary ({error}); run again.") from None
