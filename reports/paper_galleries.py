"""The galleries of the paper (Figures 3 to 5) and of its supplement (Figures 4 and 6 to 10)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from .base import ReportContext
from .gallery_picks import Draw, behind_hands, drawn, largest_yaw, most_one_sided_light
from .gallery_spec import GallerySpec, Panel, write_gallery

PHOTO = Panel("photo")
TRUTH = Panel("truth", "focs")
OURS = (Panel("overlay", "focs"), Panel("mask", "focs"))
COMPARISON = (
    PHOTO,
    Panel("overlay", "skin_mask"),
    Panel("mask", "skin_mask"),
    Panel("overlay", "mofa"),
    *OURS,
)
ABLATION = (
    PHOTO,
    Panel("mask", "pretrained"),
    Panel("mask", "ablation_baseline"),
    Panel("mask", "ablation_neighbour"),
    Panel("mask", "ablation_perceptual"),
    *OURS,
    TRUTH,
)
MOFA_AND_OURS = frozenset({"mofa", "focs"})
ABLATED_AND_OURS = frozenset({"pretrained", "focs"})
ROWS = 8


class PaperGallery:
    """A gallery that is described by its ``spec``; the name is that of its files."""

    spec: ClassVar[GallerySpec]
    name: str

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_gallery(self.spec, context)


class Figure3(PaperGallery):
    """MoFA and the proposed method under occlusion."""

    name = "figure3"
    spec = GallerySpec(
        name=name,
        heading="Figure 3",
        title="Reconstruction of occluded faces by MoFA and by the proposed method",
        panels=(PHOTO, Panel("overlay", "mofa"), Panel("overlay", "focs")),
        needs=MOFA_AND_OURS,
        pick=drawn(name, Draw("celeba", "occluded", ROWS)),
        across=True,
    )


class Figure4(PaperGallery):
    """Reconstructions and masks of several methods on CelebA-HQ and AR."""

    name = "figure4"
    spec = GallerySpec(
        name=name,
        heading="Figure 4",
        title="Reconstructions and masks of occluded faces",
        panels=(*COMPARISON, TRUTH),
        needs=MOFA_AND_OURS,
        pick=drawn(
            "figure4",
            Draw("celeba", "occluded", 8),
            Draw("ar", "glasses", 1),
            Draw("ar", "scarf", 1),
        ),
        across=True,
    )


class Figure5(PaperGallery):
    """Masks of the ablations."""

    name = "figure5"
    spec = GallerySpec(
        name=name,
        heading="Figure 5",
        title="Masks of the proposed method and of its ablations",
        panels=ABLATION,
        needs=ABLATED_AND_OURS,
        pick=drawn(
            "figure5",
            Draw("celeba", "occluded", 3),
            Draw("ar", "glasses", 1),
            Draw("ar", "scarf", 1),
        ),
    )


class SupplementFigure4(PaperGallery):
    """Random photographs of CelebA-HQ."""

    name = "supplement_figure4"
    spec = GallerySpec(
        name=name,
        heading="Supplementary Figure 4",
        title="Random photographs of CelebA-HQ",
        panels=(*COMPARISON, TRUTH),
        needs=MOFA_AND_OURS,
        pick=drawn(name, Draw("celeba", None, 2 * ROWS)),
        halves=2,
    )


class SupplementFigure6(PaperGallery):
    """Extreme illumination."""

    name = "supplement_figure6"
    spec = GallerySpec(
        name=name,
        heading="Supplementary Figure 6",
        title="Extreme illumination",
        panels=(*COMPARISON, TRUTH),
        needs=MOFA_AND_OURS,
        pick=most_one_sided_light(ROWS),
    )


class SupplementFigure7(PaperGallery):
    """Occluders of the colour of skin."""

    name = "supplement_figure7"
    spec = GallerySpec(
        name=name,
        heading="Supplementary Figure 7",
        title="Occluders of the colour of skin",
        panels=(*COMPARISON, TRUTH),
        needs=MOFA_AND_OURS,
        pick=behind_hands("supplement_figure7", ROWS, detector="skin_mask"),
    )


class SupplementFigure8(PaperGallery):
    """Occlusion in large poses."""

    name = "supplement_figure8"
    spec = GallerySpec(
        name=name,
        heading="Supplementary Figure 8",
        title="Occlusion and large pose (NoW)",
        panels=COMPARISON,
        needs=MOFA_AND_OURS,
        pick=largest_yaw(ROWS),
    )


class SupplementFigure9(PaperGallery):
    """Masks of the ablations on CelebA-HQ."""

    name = "supplement_figure9"
    spec = GallerySpec(
        name=name,
        heading="Supplementary Figure 9",
        title="Masks of the proposed method and of its ablations on CelebA-HQ",
        panels=ABLATION,
        needs=ABLATED_AND_OURS,
        pick=drawn(name, Draw("celeba", "occluded", ROWS)),
    )


class SupplementFigure10(PaperGallery):
    """Masks of the ablations on AR."""

    name = "supplement_figure10"
    spec = GallerySpec(
        name=name,
        heading="Supplementary Figure 10",
        title="Masks of the proposed method and of its ablations on AR",
        panels=ABLATION,
        needs=ABLATED_AND_OURS,
        pick=drawn(
            "supplement_figure10",
            Draw("ar", "unoccluded", 2),
            Draw("ar", "glasses", 3),
            Draw("ar", "scarf", 3),
        ),
    )


GALLERIES: tuple[type[PaperGallery], ...] = (
    Figure3,
    Figure4,
    Figure5,
    SupplementFigure4,
    SupplementFigure6,
    SupplementFigure7,
    SupplementFigure8,
    SupplementFigure9,
    SupplementFigure10,
)
