"""What a finished run has measured, read from its folder alone.

Nothing here depends on today's plan: a run that older code made is read in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focsbench.errors import InputError, brief, shown
from focsbench.files import sha256_of
from focsbench.runs.artefact import DESCRIPTION, read_description
from focsbench.runs.run_folder import RESULTS, RunFolder, run_folders
from focsbench.runs.score import ARRAYS, COLUMNS, ROWS
from focsbench.runs.store import Store
from focsbench.user_files import require_file

if TYPE_CHECKING:
    import pandas as pd

    from focsbench.reports.evidence import Evidence

SWEEP = "eta_sweep"
NOW = "now"
_LARGEST = 512 << 20  # bytes of a table; a million rows take 100 MB


def read_runs(folders: Sequence[Path]) -> list[Evidence]:
    """Read runs; one over several seeds gives the evidence of every seed.

    Raises:
        InputError: if a folder is no finished run.
    """
    runs = [run for folder in folders for run in run_folders(folder)]
    return [read_evidence(run) for run in runs]


def read_evidence(run: RunFolder) -> Evidence:
    """Read the results of one run, and what their intervals need.

    Raises:
        InputError: if the folder is no run, or its results are missing or not readable.
    """
    import pandas as pd

    from focsbench.reports.evidence import Evidence, data_text

    config = run.read_config()
    results = read_results(run.root / RESULTS)
    inputs = _inputs_of_results(run)
    data = _text(_data_keys(run.store, inputs))
    arrays: dict[str, dict[str, Path]] = {}
    for name, key in inputs.items():
        kind, _, step = name.partition(":")
        if kind == "score":
            method, _, protocol = step.rpartition(":")
            arrays.setdefault(protocol, {})[method] = run.store.folder(name, key) / ARRAYS
    swept = sweep_folder(run.store, data)
    if swept is not None and not (results["protocol"] == SWEEP).any():
        results = pd.concat([results, read_results(swept / ROWS)], ignore_index=True)
    return Evidence(
        results=results,
        distances=arrays.pop(NOW, {}),
        more_distances=arrays,
        occluders=_occluders(config),
        data=data or data_text([config.get("data"), config.get("evaluation_split")]),
        name=f"{run.root.name}: profile {config.get('name')}, seed {config.get('seed')}",
    )


def _text(data: dict[str, str]) -> str:
    """Return the keys as one text; that of the embedded benchmark is its key."""
    return data.get("data") or " ".join(f"{name}={key}" for name, key in sorted(data.items()))


def labels_of(methods: Sequence[str]) -> dict[str, str]:
    """Return the printed names of rows that are registered, without importing them."""
    from focsbench import registry
    from focsbench.registry import Kind
    from focsbench.runs.sources import SourceTree

    tree, known = SourceTree(), set(registry.names(Kind.BASELINE))
    labels = {}
    for method in methods:
        if method in known:
            try:
                target = registry.target(Kind.BASELINE, method)
                labels[method] = str(tree.class_constant(target, "label"))
            except LookupError:
                labels[method] = method
    return labels


def read_results(path: Path) -> pd.DataFrame:
    """Read the tidy rows ``results.csv``; a row that failed has the value nan.

    Raises:
        InputError: if it is missing or no table of results.
    """
    import pandas as pd

    if path.exists():
        require_file(path, "table of results", _LARGEST)  # a pipe would never end
    text = dict.fromkeys(set(COLUMNS) - {"value"}, str)
    try:
        results = pd.read_csv(
            path,
            dtype={**text, "value": float},
            keep_default_na=False,
            na_values={"value": [""]},
            # Without these two a row with more cells than the header makes columns of its own.
            usecols=lambda name: name in COLUMNS,
            index_col=False,
        )
    except FileNotFoundError:
        raise InputError(f"{path}: not there; finish the run with `focsbench run-all`.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as results ({brief(error)}); run again.") from None
    missing = [name for name in COLUMNS if name not in results]
    if missing or results.empty:
        reason = f"no column {missing[0]}" if missing else "no rows"
        raise InputError(f"{path}: {reason}; run again.")
    if results.drop(columns="value").isna().any(axis=None):
        raise InputError(f"{path}: a row ends early; run again.")
    strange = set(results["status"]) - {"ok", "failed"}
    if strange:
        raise InputError(f"{path}: no row has the status {shown(min(strange))}; run again.")
    scored = results["value"][results["status"] == "ok"]
    if not np.isfinite(scored).all():
        raise InputError(f"{path}: a row without a failure has no finite value; run again.")
    return results


def _inputs_of_results(run: RunFolder) -> dict[str, str]:
    """Return the content keys of the steps that the results were joined from; {} if not kept."""
    digest = sha256_of(run.root / RESULTS)
    for path in sorted(run.store.root.glob(f"aggregate-*/{DESCRIPTION}")):
        facts = read_description(path.parent)
        if facts.get("files", {}).get(RESULTS, {}).get("sha256") == digest:
            return dict(facts.get("inputs", {}))
    return {}


def _data_keys(store: Store, inputs: dict[str, str]) -> dict[str, str]:
    """Return the content keys of the photographs by step, the same for runs on the same ones.

    The embedded benchmark is one step, real datasets are one each. Empty if nothing was kept.
    """
    keys: dict[str, str] = {}
    for name, key in inputs.items():
        keys |= _photographs(read_description(store.folder(name, key)))
    return keys


def _photographs(description: dict[str, Any]) -> dict[str, str]:
    inputs = description.get("inputs", {})
    return {name: str(key) for name, key in inputs.items() if name.partition(":")[0] == "data"}


def sweep_folder(store: Store, data: str) -> Path | None:
    """Return the folder of a sweep on the photographs with these content keys.

    None if there is no sweep, or two with other settings: none of them is the one of the run.
    """
    words = set(data.split())
    found = []
    for path in sorted(store.root.glob(f"sweep-*/{DESCRIPTION}")):
        facts = read_description(path.parent)
        if facts.get("name") != "sweep":  # a step of one point
            continue
        own = _photographs(facts)
        if own and words.issuperset(_text({name: key}) for name, key in own.items()):
            found.append(path.parent)
    return found[0] if len(found) == 1 else None


def _occluders(config: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    from pydantic import ValidationError

    from focsbench.data.synthetic.config import SyntheticConfig
    from focsbench.data.synthetic.occluder_kinds import celeba_occluders

    fields = (config.get("data") or {}).get("synthetic")
    if fields is None:
        return {}
    try:
        synthetic = SyntheticConfig.model_validate(fields)
    except ValidationError:
        return {}
    return celeba_occluders(synthetic, str(config.get("evaluation_split", "test")))
