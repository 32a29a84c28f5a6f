"""Score one predictions folder of anybody's, without a run."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from focsbench import registry
from focsbench.data.layouts import open_dataset
from focsbench.errors import InputError
from focsbench.files import empty_folder, write_atomically, write_json
from focsbench.registry import Kind
from focsbench.runs.run_folder import RESULTS, SUMMARY
from focsbench.runs.score import ARRAYS, write_rows
from focsbench.runs.summary import SummaryEntry, summarise

CARD = "protocol_card.md"


def score_folder(
    predictions: Path, dataset: Path, protocol: str, output: Path, split: str, image_size: int
) -> list[SummaryEntry]:
    """Score predictions; write ``results.csv``, ``summary.json``, the card and arrays.

    Args:
        predictions: folder as ``focsbench.data.predictions`` describes it; its name is the method.
        dataset: root folder of the dataset that the protocol scores.
        protocol: name of the protocol.
        output: empty or new folder.
        split: split of CelebAMask-HQ; the other datasets have one.
        image_size: side of the aligned images that renders and masks belong to, pixels.

    Returns:
        What ``summary.json`` holds.

    Raises:
        FocsbenchError: naming the folder or file that cannot be used.
    """
    judge = registry.load(Kind.PROTOCOL, protocol)()
    if not dataset.is_dir():
        raise InputError(f"{dataset}: this dataset folder does not exist; check the path.")
    images = open_dataset(dataset, judge.dataset, split, image_size)
    method = predictions.resolve().name
    arrays = empty_folder(output) / ARRAYS
    arrays.mkdir()
    with tempfile.TemporaryDirectory() as shared:
        judge.prepare({method: predictions}, images, Path(shared))
        rows = judge.score(method, predictions, images, Path(shared), arrays)
    if not rows:
        raise InputError(f"{predictions}: holds nothing that {protocol} measures.")
    entries = summarise(rows)
    write_rows(output / RESULTS, rows)
    write_json(output / SUMMARY, [dataclasses.asdict(entry) for entry in entries])
    write_atomically(output / CARD, judge.card.on(images).as_markdown().encode())
    return entries
