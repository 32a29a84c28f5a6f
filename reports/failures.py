"""What failed in a run and why, equal reasons counted together."""

from __future__ import annotations

from dataclasses import dataclass

from .base import ReportContext


@dataclass(frozen=True)
class FailureGroup:
    """Items of a method and protocol that failed for one reason, and one of them."""

    method: str
    protocol: str
    reason: str
    items: int
    example: str


def failure_groups(context: ReportContext) -> list[FailureGroup]:
    """Return the kinds of failures, the most frequent first; methods by their printed names."""
    failed = context.results[context.results["status"] == "failed"]
    if failed.empty:
        return []
    groups = (
        failed.assign(method=failed["method"].map(lambda name: context.labels.get(name, name)))
        .groupby(["method", "protocol", "reason"], sort=True)["item"]
        .agg(["nunique", "first"])
        .reset_index()
        .sort_values("nunique", ascending=False, kind="stable")
    )
    return [
        FailureGroup(str(method), str(protocol), str(reason), int(items), str(example))
        for method, protocol, reason, items, example in groups.to_numpy().tolist()
    ]
