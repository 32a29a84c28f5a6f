"""What a protocol is, and the card that says how its numbers were made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from focsbench.data.policies import policies_of
from focsbench.types import ResultRow

Rule = str | int | float | bool | None
DatasetT_contra = TypeVar("DatasetT_contra", contravariant=True)


@dataclass(frozen=True)
class ProtocolCard:
    """The rules of a protocol as data, printed with every table and hashed into every result.

    A rule that changes numbers is a new version.
    """

    name: str
    version: int
    rules: Mapping[str, Rule]

    def on(self, dataset: object) -> ProtocolCard:
        """Return the card with the rules that the dataset was read by in the place of general ones.

        They are part of the content key of the data, not of the version of the protocol.
        """
        return replace(self, rules={**self.rules, **policies_of(dataset)})

    def as_markdown(self) -> str:
        """Return the card as a Markdown section: a heading and one line per rule."""
        lines = [f"### {self.name}, version {self.version} ({self.fingerprint()[:12]})", ""]
        lines += [f"- {rule}: {value}" for rule, value in self.rules.items()]
        return "\n".join(lines) + "\n"

    def fingerprint(self) -> str:
        """Return the SHA-256 of name, version and rules (64 hexadecimal digits)."""
        content = {"name": self.name, "version": self.version, "rules": dict(self.rules)}
        text = json.dumps(content, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


class EvaluationProtocol(Protocol[DatasetT_contra]):
    """Scores predictions folders (``focsbench.data.predictions``) on one dataset.

    name: identifier in results.
    dataset: name of the dataset it scores (``celeba``, ``ar``, ``now``).
    card: its rules.
    prepare_reads_predictions: whether :meth:`prepare` depends on the methods at hand. If not, its
        output depends on the dataset and the card alone.
    """

    @property
    def name(self) -> str: ...

    @property
    def dataset(self) -> str: ...

    @property
    def card(self) -> ProtocolCard: ...

    @property
    def prepare_reads_predictions(self) -> bool: ...

    def prepare(
        self, predictions: Mapping[str, Path], dataset: DatasetT_contra, shared: Path
    ) -> None:
        """Write what the scores of all methods share into the existing folder ``shared``.

        predictions: the predictions folder of every method that will be compared.
        """
        ...

    def score(
        self, method: str, predictions: Path, dataset: DatasetT_contra, shared: Path, output: Path
    ) -> list[ResultRow]:
        """Score one method.

        Args:
            method: name of the method in the rows.
            predictions: its folder.
            dataset: ground truth.
            shared: what :meth:`prepare` wrote.
            output: existing folder for arrays beside the rows (e.g. distances per image).

        Returns:
            Rows in the order of the dataset, pooled rows last. A missing or broken prediction is
            a failed row with its reason. Empty if the method does not give what is measured.

        Raises:
            InputError: if the folder as a whole or the ground truth cannot be used.
        """
        ...
