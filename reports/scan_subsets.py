"""Which photographs belong to which subset of the scan protocol, told from the rows of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from focsbench.now.pairing import read_pairs
from focsbench.protocols.now_scans import subsets


@dataclass(frozen=True)
class _Image:
    """A result row in the terms of the protocol."""

    key: str
    subject: str
    challenge: str


def subsets_of_rows(rows: pd.DataFrame, folder: Path) -> dict[str, list[str]]:
    """Return the keys of every subset; the protocol decides who belongs to it.

    Args:
        rows: one per image of one method, as in ``results.csv``.
        folder: the distances of that method, with the list of pairs beside them.
    """
    columns = (rows["item"], rows["subject"], rows["subset"])
    return subsets([_Image(*names) for names in zip(*columns, strict=True)], read_pairs(folder))
