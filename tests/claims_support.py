"""Small made-up results for the tests of the claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
from reports_support import COLUMNS

from focsbench.reports.claims import Check
from focsbench.reports.evidence import Evidence, Number

NUMBER = Number("p", "s", "v")


def rows(
    method: str, values: list[float], protocol: str = "p", subset: str = "s", metric: str = "v"
) -> pd.DataFrame:
    """One image per person; nan is an image that failed."""
    return pd.DataFrame(
        [
            (method, protocol, subset, f"person-{place}", f"{subset}-{place}", metric, value,
             "failed" if np.isnan(value) else "ok", "")
            for place, value in enumerate(values)
        ],
        columns=COLUMNS,
    )  # fmt: skip


def evidence(*frames: pd.DataFrame, **known: object) -> Evidence:
    return Evidence(pd.concat(frames, ignore_index=True), **known)  # type: ignore[arg-type]


def around(mean: float, spread: float = 0.1, count: int = 30, seed: int = 0) -> list[float]:
    """Values with exactly this mean."""
    noise = np.random.default_rng(seed).normal(0, spread, count)
    return list(mean + noise - noise.mean())


def check(bound: str, limit: float, reference: str | None = "b", number: Number = NUMBER) -> Check:
    kind = "value" if reference is None else "difference"
    return Check(kind, "a", reference, number, number, bound, limit)  # type: ignore[arg-type]
