"""Settings of what happens to training images: augmentation, made occlusions, skin colour."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from focsbench.networks.config import Section

FrameSource = Literal["hands", "texture", "photograph"]


class SyntheticOcclusionConfig(Section):
    """A rectangle over training images: the supervised rows with cutout and cutmix (paper 4.1).

    The ranges are those of the authors' early code: whole pixels, drawn uniformly, the ends
    included, fractions of the image side rounded down.
    """

    kind: Literal["none", "cutout", "cutmix"] = Field(
        default="none",
        description="cutout: the rectangle is black; cutmix: it shows something else. Either way "
        "the mask of the visible face is 0 in it. Set by the rows themselves",
    )
    probability: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="of a rectangle in an image (the oldest loader of the authors: 0.25; later "
        "ones unknown)",
    )
    min_side: float = Field(default=0.1, gt=0, le=1, description="shortest side / image side")
    max_side: float = Field(default=0.4, gt=0, le=1, description="longest side / image side")
    min_corner: float = Field(
        default=0.15, ge=0, lt=1, description="smallest row and column of the first corner / side"
    )
    max_corner: float = Field(
        default=0.75, ge=0, lt=1, description="largest row and column of the first corner / side"
    )
    source: FrameSource = Field(
        default="hands",
        description="cutmix: what fills the rectangle. hands: drawn fingers before a drawn ground "
        "(the authors: frames of EgoHands, which are not ours to pass on); texture: the ground "
        "alone; photograph: another image of the batch, a face as a rule",
    )

    @model_validator(mode="after")
    def _ranges_not_empty(self) -> Self:
        if self.min_side > self.max_side or self.min_corner > self.max_corner:
            raise ValueError("min_side and min_corner cannot exceed max_side and max_corner")
        return self


class SkinDetectorConfig(Section):
    """The skin detector of Deep3D, mask of the row 'Deep3D skin mask'."""

    prior: float = Field(default=0.8, gt=0, lt=1, description="prior probability of skin (Deep3D)")
    mask: Literal["round", "soft"] = Field(
        default="round",
        description="round: 1 where the probability is at least one half (paper, figures); soft: "
        "the probability itself (Deep3D's training)",
    )


class AugmentationConfig(Section):
    """Random similarity transforms and flips of training images (released, as Deep3D)."""

    enabled: bool = Field(
        default=True, description="false: the images as they are, but for occlusion"
    )
    max_shift: float = Field(default=10.0, ge=0, description="largest shift in x and in y, pixels")
    integer_shift: bool = Field(default=True, description="whole pixels only (released)")
    max_scale: float = Field(default=0.1, ge=0, lt=1, description="scale is uniform in 1 +- this")
    max_rotation: float = Field(
        default=10.0, ge=0, description="rotation is uniform in +- this, degrees"
    )
    flip_probability: float = Field(default=0.5, ge=0, le=1, description="of a horizontal flip")
    interpolation: Literal["bicubic", "bilinear"] = Field(
        default="bicubic", description="of the image (released: bicubic); masks are always bilinear"
    )
    max_gain: float = Field(
        default=0.0, ge=0, lt=1, description="colour: gain of a channel 1 +- this"
    )
    max_offset: float = Field(
        default=0.0, ge=0, lt=1, description="colour: brightness offset +- this"
    )
    noise: float = Field(
        default=0.0, ge=0, description="std of Gaussian noise per pixel and channel"
    )
    occlusion: SyntheticOcclusionConfig = Field(
        default=SyntheticOcclusionConfig(), description="rectangles of the supervised rows"
    )
