"""Photographs with the pictures of every method, as data for the sliders of the page."""

from __future__ import annotations

from typing import Any

from focsbench.errors import InputError
from focsbench.progress import track
from focsbench.reports.base import ABLATIONS, ReportContext
from focsbench.reports.gallery import FIT_PROTOCOLS, Pick, pick_by_fit, pick_by_occluder, scores_of
from focsbench.reports.gallery_picks import DATASET_NAMES, Draw, drawn
from focsbench.reports.gallery_tiles import Tile, method_pictures, photo_tiles

from .encoding import picture_uri

RANDOM = 6  # photographs drawn by seed from the occluded ones
MASKS = frozenset({"mask", "truth"})


def gallery_data(context: ReportContext) -> dict[str, Any] | None:
    """Return photographs with pictures, or None where the run has none.

    photos: title, rule, and by picture name (``photo``, ``truth``, ``overlay:METHOD``,
    ``mask:METHOD``) a data URI, or the word in its place; scores by method.
    methods: name and printed name.
    """
    picks = [pick for pick in _picks(context) if pick.dataset in context.datasets]
    methods = [
        method
        for method in context.labels
        if method not in ABLATIONS
        and any(method in context.predictions.get(name, {}) for name in FIT_PROTOCOLS)
    ]
    photos = [_photo(context, pick, methods) for pick in track(picks, "photographs of the page")]
    if not photos or not methods:
        return None
    return {
        "methods": [[method, context.labels[method]] for method in methods],
        "focus": context.focus if context.focus in methods else methods[-1],
        "photos": photos,
    }


def _picks(context: ReportContext) -> list[Pick]:
    """Return the photographs of the printed galleries, then some more, each once."""
    picks = [*pick_by_fit(context), *pick_by_occluder(context)]
    rule = f"occluded, drawn at random (seed {context.seed})"
    more = drawn("page", Draw("celeba", "occluded", RANDOM))(context).items
    picks += [Pick(pick.dataset, pick.key, rule) for pick in more]
    first: dict[tuple[str, str], Pick] = {}
    for pick in picks:
        first.setdefault((pick.dataset, pick.key), pick)
    return list(first.values())


def _photo(context: ReportContext, pick: Pick, methods: list[str]) -> dict[str, Any]:
    dataset = context.datasets[pick.dataset]
    folders = context.predictions.get(pick.dataset, {})
    pictures: dict[str, Tile] = {"photo": "failed", "truth": "failed"}
    try:
        sample = dataset[dataset.keys().index(pick.key)]
    except InputError:
        answers: dict[str, dict[str, Tile]] = {}
    else:
        target, _visible, truth = photo_tiles(sample).pictures
        pictures = {"photo": target, "truth": truth}
        answers = {m: method_pictures(sample, folders[m]) for m in methods if m in folders}
    for method in methods:
        for kind in ("overlay", "mask"):
            pictures[f"{kind}:{method}"] = answers.get(method, {}).get(kind, "not run")
    return {
        "title": f"{DATASET_NAMES[pick.dataset]} {pick.key}",
        "rule": pick.rule,
        "pictures": {name: _encoded(name, tile) for name, tile in pictures.items()},
        "scores": {method: ", ".join(scores_of(context, pick, method)) for method in methods},
    }


def _encoded(name: str, tile: Tile) -> str:
    return tile if isinstance(tile, str) else picture_uri(tile, name.partition(":")[0] in MASKS)
