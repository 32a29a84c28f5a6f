"""Photometric error inside the visible face (paper, Table 1).

The paper publishes neither code nor the exact region, so both readings are measured:

``rmse``: labelled visible face where the method's own reconstruction covers it. A method can
improve it by covering less.
``rmse_common``: labelled visible face where the reconstructions of all compared methods cover it;
the same pixels for everybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.metrics.photometric import masked_rmse
from focsbench.storage import may_pass
from focsbench.types import BoolArray, FaceDataset, ResultRow, Sample

from .base import ProtocolCard
from .per_image import Measure, labelled_face, score_images

_NEEDS = ("render", "region")
_REGIONS = "common_regions.npy"


class MaskedRMSE:
    """What the protocols of both datasets share; a subclass names itself, nothing more.

    name: of the protocol; dataset: that it scores (samples carry visible-face masks);
    visible_face: rule of its labels, for the card.
    """

    name: ClassVar[str]
    dataset: ClassVar[str]
    visible_face: ClassVar[str]
    prepare_reads_predictions: ClassVar[bool]

    def __init__(self) -> None:
        self.card = ProtocolCard(
            name=self.name,
            version=1,
            rules={
                "dataset": self.dataset,
                "quantity": "255 sqrt(mean of squared differences over pixels and channels)",
                "visible face": self.visible_face,
                "region of rmse": "visible face and covered by the method's own reconstruction",
                "region of rmse_common": "visible face and covered by the reconstructions of all "
                "compared methods (a method without one for an image does not shrink it)",
                "render": "as stored, 8 bit, clipped to [0, 1]",
                "frame": "aligned image, size of the profile",
                "overall": "unweighted mean of the subset means, as the paper's table has it",
                "std": "population, over images",
                "missing data": "left out of the mean, counted in the done-rate",
            },
        )

    def prepare(self, predictions: Mapping[str, Path], dataset: FaceDataset, shared: Path) -> None:
        """Write the region that all methods cover, (N, S, S) bool, and who took part."""
        folders = {method: PredictionFolder(path) for method, path in sorted(predictions.items())}
        taking_part = {
            method: folder
            for method, folder in folders.items()
            if all(folder.provides(name) for name in _NEEDS)
        }
        keys, shape = dataset.keys(), _image_shape(dataset)
        regions = [_common_region(list(taking_part.values()), key, shape) for key in keys]
        np.save(shared / _REGIONS, np.stack(regions), allow_pickle=False)
        names = json.dumps(list(taking_part), indent=1)
        (shared / "common_regions.json").write_text(names + "\n", encoding="utf-8")

    def score(
        self, method: str, predictions: Path, dataset: FaceDataset, shared: Path, output: Path
    ) -> list[ResultRow]:
        """Return ``rmse`` and ``rmse_common`` (0 to 255) per image; see the base protocol."""
        del output  # nothing beside the rows
        folder = PredictionFolder(predictions)
        if not all(folder.provides(name) for name in _NEEDS):
            return []
        common = _read_regions(shared / _REGIONS, len(dataset))

        def own(index: int, sample: Sample) -> list[float]:
            del index
            return [_error(sample, folder, folder.region(sample.key))]

        def shared_region(index: int, sample: Sample) -> list[float]:
            return [_error(sample, folder, common[index])]

        measures = [Measure(("rmse",), own), Measure(("rmse_common",), shared_region)]
        return score_images(method, self.name, folder, dataset, measures)


def _error(sample: Sample, folder: PredictionFolder, region: BoolArray) -> float:
    visible = labelled_face(sample)
    if region.shape != visible.shape:
        raise InputError(
            f"{sample.key}: the region is {region.shape} pixels, the aligned image "
            f"{visible.shape}; run the method at this image size."
        )
    return masked_rmse(sample.image, folder.render(sample.key), region & visible)


def _image_shape(dataset: FaceDataset) -> tuple[int, ...]:
    """Return height and width of the images, taken from the first one that can be read."""
    for index in range(len(dataset)):
        try:
            return dataset[index].image.shape[:2]
        except InputError:
            continue  # its own row says so
    raise InputError(f"dataset {dataset.name}: no image can be read; check it.")


def _common_region(folders: list[PredictionFolder], key: str, shape: tuple[int, ...]) -> BoolArray:
    common = np.ones(shape, dtype=bool)
    for folder in folders:
        try:
            region = folder.region(key)
        except InputError as error:
            if may_pass(error):
                raise  # what all methods share must not depend on a moment
            continue  # the method has failed on this image; its own row says so
        if region.shape == common.shape:
            common &= region
    return common


def _read_regions(path: Path, count: int) -> BoolArray:
    try:
        regions: BoolArray = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}; prepare the protocol again.") from None
    if len(regions) != count:
        raise InputError(f"{path}: {len(regions)} regions for {count} images; prepare again.")
    return regions
