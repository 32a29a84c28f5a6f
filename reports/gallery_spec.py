"""A gallery as the paper has them: which photographs, which pictures of each, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from focsbench.errors import InputError

from .base import ReportContext, write_bytes, write_text
from .gallery_axis import Axis, Label
from .gallery_page import Block, Grid, page_png
from .gallery_picks import DATASET_NAMES, Pick, Picks, Rule
from .gallery_tiles import Tile, method_pictures, photo_tiles
from .table_writers import escape_latex, plain_markdown

KINDS = {
    "photo": "target",
    "overlay": "reconstruction",
    "render": "reconstruction",
    "mask": "mask",
    "truth": "true mask",
}
COLOURS = (
    "Reconstructions are drawn over the photograph. Masks: white is visible face, orange is "
    "hidden, black is outside the reconstruction."
)


@dataclass(frozen=True)
class Panel:
    """One picture of every photograph: of itself, or of what a method answers for it.

    The true mask is shown inside the region that its method renders.
    """

    kind: str
    method: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether the picture is a method's own."""
        return self.kind not in ("photo", "truth")


@dataclass(frozen=True)
class GallerySpec:
    """Description of a gallery.

    name: of its files. heading: its number in the paper. title: what it shows.
    panels: the pictures in their order; those of methods that the run does not have are left out.
    needs: methods without which there is no gallery.
    pick: the rule that chooses the photographs.
    across: photographs side by side with their pictures below them, instead of one per row.
    halves: how many parts stand beside each other, where photographs have a row each.
    """

    name: str
    heading: str
    title: str
    panels: tuple[Panel, ...]
    needs: frozenset[str]
    pick: Rule
    across: bool = False
    halves: int = 1


def write_gallery(spec: GallerySpec, context: ReportContext) -> list[Path]:
    """Write ``<name>.png``, with its caption as ``.md`` and ``.tex``.

    Nothing is written when the run lacks the methods or the photographs.
    """
    if not spec.needs <= set(context.labels):
        return []
    picks = spec.pick(context)
    if not picks.items:
        return []
    panels = [p for p in spec.panels if p.kind == "photo" or p.method in context.labels]
    tiles = [_tiles(pick, panels, context) for pick in picks.items]
    grids = _grids(spec, _names(panels, context), picks.items, tiles)
    page = page_png([Block(tuple(grids))])
    caption = caption_of(spec, picks)
    # The caption is the last paragraph: read_caption relies on it.
    markdown = f"# {spec.heading}. {spec.title}\n\n![{spec.title}]({spec.name}.png)\n\n"
    stem = context.output / spec.name
    return [
        write_bytes(stem.with_suffix(".png"), page),
        write_text(stem.with_suffix(".md"), markdown + plain_markdown(caption)),
        write_text(stem.with_suffix(".tex"), _latex(spec, caption)),
    ]


def read_caption(page: Path) -> str:
    """Return the caption, as Markdown, from the ``.md`` file of a gallery."""
    return page.read_text(encoding="utf-8").rstrip().rpartition("\n\n")[2]


def caption_of(spec: GallerySpec, picks: Picks) -> str:
    """Return what is shown, how it was chosen, and which photographs these are."""
    keys = "; ".join(
        f"{DATASET_NAMES[dataset]} {', '.join(pick.key for pick in members)}"
        for dataset, members in groupby(picks.items, lambda pick: pick.dataset)
    )
    order = "From left to right" if spec.across else "From top to bottom"
    if spec.halves > 1:
        order += ", left part first"
    return f"{spec.title}. {picks.rule} {COLOURS} {order}: {keys}."


def _tiles(pick: Pick, panels: Sequence[Panel], context: ReportContext) -> tuple[Tile, ...]:
    """Return the pictures of one photograph in the order of the panels."""
    dataset = context.datasets[pick.dataset]
    folders = context.predictions.get(pick.dataset, {})
    try:
        sample = dataset[dataset.keys().index(pick.key)]
    except InputError:
        return ("failed",) * len(panels)
    answers = {
        method: method_pictures(sample, folders[method])
        for method in {panel.method for panel in panels}
        if method in folders
    }
    photo = photo_tiles(sample).pictures[0]
    return tuple(
        photo if panel.kind == "photo" else answers.get(panel.method, {}).get(panel.kind, "not run")
        for panel in panels
    )


def _names(panels: Sequence[Panel], context: ReportContext) -> Axis:
    """Name the pictures by their kind and method; by the method alone where that says it all."""
    answers = [panel for panel in panels if panel.is_answer]
    methods = {panel.method for panel in answers}
    is_plain = len(methods) == len(answers) and len({panel.kind for panel in answers}) == 1
    labels = []
    for panel in panels:
        kind, method = KINDS[panel.kind], context.labels[panel.method] if panel.is_answer else ""
        labels.append(Label(method or kind) if is_plain else Label(kind, method))
    return Axis(tuple(labels))


def _grids(
    spec: GallerySpec, names: Axis, items: Sequence[Pick], tiles: Sequence[tuple[Tile, ...]]
) -> Iterator[Grid]:
    """Yield the parts of the page from left to right."""
    # One dataset in all rows needs no name beside them; the caption has it.
    is_mixed = len({item.group for item in items}) > 1
    share = -(-len(items) // spec.halves)
    for start in range(0, len(items), share):
        part = slice(start, start + share)
        photographs = Axis(tuple(Label("", item.group if is_mixed else "") for item in items[part]))
        if spec.across:
            yield Grid(names, photographs, tuple(zip(*tiles[part], strict=True)))
        else:
            yield Grid(photographs, names, tuple(tiles[part]))


def _latex(spec: GallerySpec, caption: str) -> str:
    lines = [
        r"\begin{figure*}",
        r"\centering",
        rf"\includegraphics[width=\textwidth]{{{spec.name}.png}}",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{fig:{spec.name}}}",
        r"\end{figure*}",
    ]
    return "\n".join(lines)
