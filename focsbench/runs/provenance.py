"""Where the results of a run come from, and what did not work: written beside them.

``provenance.json`` has the content key of every step with what making it took, and where. It is
about this run: wall times, hosts and workers are in it, so it differs between runs whose results
are the same. Reports print what decides the results.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from focsbench.files import write_atomically, write_json
from focsbench.runs.outcome import Outcome, Status, StepResult
from focsbench.runs.plan import Plan
from focsbench.runs.run_folder import RunFolder

PROVENANCE = "provenance.json"
FAILURES = "failures.csv"
COLUMNS = ("step", "item", "status", "attempts", "reason")


def write_provenance(run: RunFolder, plan: Plan, outcome: Outcome) -> None:
    """Write what is known about the steps of a run that was executed as a whole."""
    steps = {step.name: _step(plan, step) for step in outcome.steps}
    totals = {
        name: round(sum(float(step.get(name, 0.0)) for step in steps.values()), 1)
        for name in ("seconds", "cpu_seconds")
    }
    write_json(
        run.root / PROVENANCE,
        {
            "totals": totals,
            "datasets": _datasets(plan),
            "protocol_cards": _cards(plan),
            "mixed_packages": mixed_packages(steps),
            "steps": steps,
        },
    )


def write_failures(run: RunFolder, outcome: Outcome) -> None:
    """Write one line per failed item and per step that failed or was left out."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for step in outcome.steps:
        if step.status in (Status.FAILED, Status.SKIPPED):
            writer.writerow([step.name, "", str(step.status), step.attempts, step.reason])
    for name, item, reason in outcome.failed_items():
        writer.writerow([name, item, "failed item", 1, reason])
    write_atomically(run.root / FAILURES, text.getvalue().encode())


def mixed_packages(steps: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the packages of which the steps saw several versions: results from different days.

    Versions are no part of the content keys, so an upgrade does not make a run stale.
    """
    seen: dict[str, set[str]] = {}
    for step in steps.values():
        for package, version in step.get("packages", {}).items():
            seen.setdefault(package, set()).add(version)
    return {package: sorted(found) for package, found in seen.items() if len(found) > 1}


def _step(plan: Plan, result: StepResult) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": str(result.status), "inputs": list(plan[result.name].inputs)}
    if result.artefact is not None:
        artefact = result.artefact
        facts |= {
            "key": artefact.key,
            "seconds": artefact.seconds,
            **artefact.made,
            "files": len(artefact.files),
            "bytes": sum(int(file["size"]) for file in artefact.files.values()),
            "failed_items": len(artefact.failures),
        }
    for name in ("reason", "notice"):
        if getattr(result, name):
            facts[name] = getattr(result, name)
    return facts


def _datasets(plan: Plan) -> dict[str, Any]:
    """Return counts and hashes of the real datasets, or the settings of the embedded benchmark."""
    found = {}
    for step in plan.steps:
        if step.name.partition(":")[0] == "data":
            known = ("manifest", "rules", "synthetic")
            facts = {name: step.config[name] for name in known if name in step.config}
            if facts:
                found[step.name] = facts
    return found


def _cards(plan: Plan) -> dict[str, str]:
    return {
        str(step.config["protocol"]): str(step.config["card"])
        for step in plan.steps
        if "card" in step.config and "protocol" in step.config
    }
