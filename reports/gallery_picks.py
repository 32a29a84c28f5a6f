"""Which photographs a gallery shows: rules that anybody can apply again, and what they chose.

No rule looks at how well a method does, except where it says so in the words of the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from focsbench.errors import InputError
from focsbench.now.pairing import OCCLUDED, read_yaw
from focsbench.progress import track
from focsbench.types import POOLED, UNREADABLE, Sample

from .base import ReportContext
from .side_light import side_light

DATASET_NAMES = {"celeba": "CelebA-HQ", "ar": "AR", "now": "NoW"}
# The first protocol of the run that knows the photographs and subsets of a dataset.
PROTOCOLS = {
    "celeba": ("celeba_segmentation", "celeba_rmse"),
    "ar": ("ar_segmentation", "ar_rmse"),
    "now": ("now",),
}


WORDS = {
    None: "photographs of",
    "unoccluded": "unoccluded photographs of",
    "occluded": "occluded photographs of",
    "glasses": "photographs with glasses of",
    "scarf": "photographs with a scarf of",
}


@dataclass(frozen=True)
class Pick:
    """A photograph of a dataset; ``group`` is printed beside it and its neighbours."""

    dataset: str
    key: str
    group: str


@dataclass(frozen=True)
class Picks:
    """Photographs in their order, and the rule that chose them, as a sentence."""

    items: tuple[Pick, ...]
    rule: str


Rule = Callable[[ReportContext], Picks]


def photographs(context: ReportContext, dataset: str, subset: str | None = None) -> pd.DataFrame:
    """Return the columns item, subject, subset of a dataset's photographs, sorted by item.

    subset: only these; None for all that can be read. Empty where the run does not know the
    dataset.
    """
    results = context.results
    for protocol in PROTOCOLS[dataset]:
        rows = results[(results["protocol"] == protocol) & (results["item"] != POOLED)]
        rows = rows[rows["subset"] != UNREADABLE]
        if not rows.empty and dataset in context.datasets:
            rows = rows if subset is None else rows[rows["subset"] == subset]
            unique = rows[["item", "subject", "subset"]].drop_duplicates()
            return unique.sort_values("item", ignore_index=True)
    return pd.DataFrame(columns=["item", "subject", "subset"])


@dataclass(frozen=True)
class Draw:
    """So many photographs of a dataset's subset (None: of all), drawn at random."""

    dataset: str
    subset: str | None
    count: int

    @property
    def words(self) -> str:
        """The photographs that are drawn from."""
        which = WORDS.get(self.subset, f"photographs of the subset {self.subset} of")
        return f"the {which} {DATASET_NAMES[self.dataset]}"


def drawn(name: str, *draws: Draw) -> Rule:
    """Return the rule that draws photographs by the seed of the run and the gallery's name.

    Every person appears at most once in each draw.
    """

    def pick(context: ReportContext) -> Picks:
        items: list[Pick] = []
        for draw in draws:
            pool = photographs(context, draw.dataset, draw.subset)
            rng = np.random.default_rng([context.seed, *f"{name} {draw.subset}".encode()])
            pool = pool.sample(frac=1, random_state=rng).drop_duplicates("subject")
            items += _picks(draw.dataset, pool.head(draw.count))
        where = _listed([draw.words for draw in draws])
        rule = f"Drawn at random (seed {context.seed}) from {where}, whatever the results."
        return Picks(tuple(items), rule)

    return pick


def most_one_sided_light(count: int) -> Rule:
    """Return the rule that takes the CelebA photographs with the least even light.

    Only unoccluded ones: an occluder changes which part of each side is seen.
    """

    def pick(context: ReportContext) -> Picks:
        pool = photographs(context, "celeba", "unoccluded")
        light: dict[str, float] = {}
        for sample in samples(context, "celeba", pool["item"]):
            if sample.visible_mask is not None:
                value = side_light(sample.image, sample.landmarks, sample.visible_mask)
                if value is not None:
                    light[sample.key] = value
        pool = pool.assign(light=pool["item"].map(light)).dropna(subset="light")
        ranked = pool.sort_values(["light", "item"], ascending=[False, True])
        chosen = ranked.drop_duplicates("subject").head(count)
        rule = (
            "The unoccluded photographs of CelebA-HQ whose two sides of the face differ most in "
            "brightness (mean luma left and right of the line from nose bridge to chin; one "
            "photograph per person)."
        )
        return Picks(tuple(_picks("celeba", chosen)), rule)

    return pick


def largest_yaw(count: int) -> Rule:
    """Return the rule that takes the occluded NoW photographs with the largest yaw."""

    def pick(context: ReportContext) -> Picks:
        pool = photographs(context, "now", OCCLUDED)
        yaw = next((read_yaw(folder) for folder in context.distances.values()), {})
        pool = pool.assign(yaw=pool["item"].map(yaw).abs()).dropna(subset="yaw")
        ranked = pool.sort_values(["yaw", "item"], ascending=[False, True])
        chosen = ranked.drop_duplicates("subject").head(count)
        rule = (
            f"The photographs of {OCCLUDED} in NoW with the largest yaw of the head (one "
            "photograph per person)."
        )
        return Picks(tuple(_picks("now", chosen)), rule)

    return pick


def behind_hands(name: str, count: int, detector: str) -> Rule:
    """Return the rule for occluders of the colour of skin.

    Where it is known what occludes the photographs (the embedded benchmark), those with a hand
    are drawn from; elsewhere the masks of ``detector`` with the lowest precision are taken.
    """

    def pick(context: ReportContext) -> Picks:
        pool = photographs(context, "celeba", "occluded")
        kinds = occluders(context)
        hands = pool[[kinds.get(item) == ("hand",) for item in pool["item"]]]
        if not hands.empty:
            rng = np.random.default_rng([context.seed, *name.encode()])
            chosen = hands.sample(frac=1, random_state=rng).drop_duplicates("subject")
            rule = (
                f"Drawn at random (seed {context.seed}) from the photographs of CelebA-HQ with a "
                "hand as the only occluder, whatever the results."
            )
        else:
            chosen = _lowest(context, pool, detector)
            rule = (
                "The occluded photographs of CelebA-HQ for which the mask of "
                f"{context.labels.get(detector, detector)} has the lowest precision (one "
                "photograph per person)."
            )
        return Picks(tuple(_picks("celeba", chosen.head(count))), rule)

    return pick


def occluders(context: ReportContext) -> dict[str, tuple[str, ...]]:
    """Return what occludes each CelebA photograph, by key; empty where nobody knows."""
    from focsbench.data.synthetic.occluder_kinds import occluders_beside

    dataset = context.datasets.get("celeba")
    root, split = getattr(dataset, "root", None), getattr(dataset, "split", None)
    return {} if root is None or split is None else occluders_beside(root, split)


def samples(context: ReportContext, dataset: str, items: Iterable[str]) -> Iterator[Sample]:
    """Yield the samples of the named photographs; one that cannot be read is left out."""
    source = context.datasets.get(dataset)
    if source is None:
        return
    places = {key: place for place, key in enumerate(source.keys())}
    for item in track(list(items), f"photographs of {DATASET_NAMES[dataset]}"):
        try:
            yield source[places[item]]
        except (InputError, KeyError):
            continue


def _lowest(context: ReportContext, pool: pd.DataFrame, method: str) -> pd.DataFrame:
    results = context.results
    rows = results[
        (results["method"] == method)
        & (results["protocol"] == "celeba_segmentation")
        & (results["metric"] == "PPV")
        & (results["status"] == "ok")
    ]
    known = pool.merge(rows[["item", "value"]], on="item")
    return known.sort_values(["value", "item"]).drop_duplicates("subject")


def _picks(dataset: str, chosen: pd.DataFrame) -> Iterator[Pick]:
    """AR has kinds of occlusion, which are told apart beside the pictures."""
    for item, subset in zip(chosen["item"], chosen["subset"], strict=True):
        kind = f" {subset}" if dataset == "ar" else ""
        yield Pick(dataset, str(item), f"{DATASET_NAMES[dataset]}{kind}")


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
