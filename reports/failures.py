"""What failed in a run and why, equal reasons counted together."""

from __future__ import annotations

import re
from dataclasses import dataclass

from focsbench.errors import one_line
from focsbench.types import POOLED

from .base import ReportContext

IMAGE = "IMAGE"  # stands for the name of an image in a reason that many images have
_BEFORE = "^|[/']|: |for |image |photograph "
_AFTER = "[:;/']|[._][a-z]|$"


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
    results = context.results
    failed = results[(results["status"] == "failed") & (results["item"] != POOLED)]
    if failed.empty:
        return []
    groups = (
        failed.assign(
            method=failed["method"].map(lambda name: context.labels.get(name, name)),
            reason=list(map(reason_of_many, failed["reason"], failed["item"])),
        )
        .groupby(["method", "protocol", "reason"], sort=True)["item"]
        .agg(["nunique", "first"])
        .reset_index()
        .sort_values("nunique", ascending=False, kind="stable")
    )
    return [
        FailureGroup(str(method), str(protocol), str(reason), int(items), str(example))
        for method, protocol, reason, items, example in groups.to_numpy().tolist()
    ]


def reason_of_many(reason: str, item: str) -> str:
    """Return a reason of one image as other images have it, too, in one line.

    Reasons name the image or a file of it, and files may pad its numbers with zeros. A name can
    be a mere number or a word, so it is only taken for one where names stand.
    """
    name = re.sub(r"0*(\d+)", r"0*\1", re.escape(item))
    pattern = rf"({_BEFORE}){name}(?={_AFTER})"
    return re.sub(pattern, rf"\1{IMAGE}", one_line(reason), flags=re.IGNORECASE)
