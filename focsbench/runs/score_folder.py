"""Score predictions folders of anybody's, without a run."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from focsbench import registry
from focsbench.data.layouts import open_dataset
from focsbench.errors import InputError
from focsbench.files import empty_folder, write_atomically
from focsbench.registry import Kind
from focsbench.runs.report import write_summary
from focsbench.runs.run_folder import RESULTS
from focsbench.runs.score import ARRAYS, write_rows
from focsbench.runs.summary import SummaryEntry, summarise
from focsbench.runs.uncertainty import with_uncertainty

CARD = "protocol_card.md"


def score_folder(
    predictions: Path, dataset: Path, protocol: str, output: Path, split: str, image_size: int
) -> list[SummaryEntry]:
    """Score one folder of predictions; see :func:`score_folders`. Arrays are in ``arrays/``."""
    return score_folders([predictions], dataset, protocol, output, split, image_size)


def score_folders(
    predictions: Sequence[Path],
    dataset: Path,
    protocol: str,
    output: Path,
    split: str,
    image_size: int,
) -> list[SummaryEntry]:
    """Score predictions; write ``results.csv``, ``summary.json``, the card and arrays.

    What a protocol measures over all compared methods is over these. Arrays of several folders are
    in ``arrays/<method>/``.

    Args:
        predictions: folders as ``focsbench.data.predictions`` describes them; their names are the
            methods.
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
    methods = {path.resolve().name: path for path in predictions}
    if len(methods) < len(predictions):
        raise InputError(
            f"{predictions[-1]}: another folder has its name, which is that of its method; "
            "rename one."
        )
    arrays = {
        method: Path(ARRAYS) if len(methods) == 1 else Path(ARRAYS) / method for method in methods
    }
    empty_folder(output)
    rows = []
    with tempfile.TemporaryDirectory() as shared:
        judge.prepare(methods, images, Path(shared))
        for method, path in methods.items():
            (output / arrays[method]).mkdir(parents=True)
            found = judge.score(method, path, images, Path(shared), output / arrays[method])
            if not found:
                raise InputError(f"{path}: holds nothing that {protocol} measures.")
            rows += found
    folders = {judge.name: {method: output / arrays[method] for method in methods}}
    entries = with_uncertainty(summarise(rows), rows, folders)
    write_rows(output / RESULTS, rows)
    write_summary(output, entries)
    write_atomically(output / CARD, judge.card.on(images).as_markdown().encode())
    return entries
