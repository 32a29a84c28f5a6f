"""Settings of the networks: immutable, validated, every field documented with its source.

No torch in here, so that a profile can be read and checked without loading it.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

NormKind = Literal["batch", "group"]


class Section(BaseModel):
    """Base of all settings: frozen after construction, unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LatentScales(Section):
    """Factors on the raw encoder outputs.

    They only precondition the optimiser: a larger factor lets a block move faster at the same
    learning rate. Defaults are those of the released code.
    """

    identity: float = Field(
        default=1.0, gt=0, description="identity coefficients, in sigmas per output"
    )
    expression: float = Field(default=1.0, gt=0, description="expression coefficients per output")
    albedo: float = Field(
        default=3.0, gt=0, description="albedo coefficients, in sigmas per output"
    )
    angles: float = Field(default=0.3, gt=0, description="rotation angles, radians per output")
    translation_xy: float = Field(
        default=1.0, gt=0, description="sideways translation, mm per output"
    )
    translation_z: float = Field(
        default=0.005,
        gt=0,
        description="depth translation, mm per output; released: practically frozen",
    )
    light: float = Field(
        default=1.0, gt=0, description="spherical-harmonic coefficients per output"
    )


class EncoderConfig(Section):
    """The face encoder of the autoencoder R (paper 4.1: a ResNet-50)."""

    architecture: Literal["resnet50", "compact"] = Field(
        default="resnet50",
        description="resnet50 (paper, released) or compact (a small CPU network)",
    )
    head: Literal["released", "latents"] = Field(
        default="released",
        description="released: the 1000-d ImageNet layer of which 257 numbers are read; "
        "latents: exactly 257 outputs (the compact network always has these)",
    )
    scales: LatentScales = Field(default=LatentScales(), description="factors on the raw outputs")
    weights: str | None = Field(
        default=None,
        description="imported weights (see focsbench weights list), file name in networks/weights, "
        "or a path, to start from; None: random, zero head",
    )
    weights_face_model: str | None = Field(
        default=None,
        description="face model that the weights were trained with; for another one their outputs "
        "for its coefficients are dropped and start at the mean face. None: kept for any model",
    )
    widths: tuple[PositiveInt, ...] = Field(
        default=(16, 32, 64, 128),
        min_length=3,
        description="compact: channels of the stem and of each stage (every one halves the grid)",
    )
    blocks: tuple[PositiveInt, ...] = Field(
        default=(1, 1, 2),
        min_length=2,
        description="compact: residual blocks per stage, without the stem",
    )
    norm: NormKind = Field(
        default="batch", description="compact: batch normalisation, or group (no batch statistics)"
    )
    grid: int = Field(
        default=6,
        ge=1,
        description="compact: side of the last feature grid, kept because shape is spatial",
    )
    squeeze: int = Field(
        default=32, ge=1, description="compact: channels of the grid after the 1x1 squeeze"
    )
    keypoints: int = Field(
        default=68,
        ge=0,
        description="compact: soft-argmax points read from all stages; 68: pre-training places "
        "them on the landmarks",
    )
    hidden: int = Field(
        default=256, ge=1, description="compact: units of the layer before the outputs"
    )

    @model_validator(mode="after")
    def _stem_and_stages(self) -> Self:
        if len(self.widths) != len(self.blocks) + 1:
            raise ValueError("widths needs one entry more than blocks (the stem has no blocks)")
        return self

    @property
    def needs_a_spread(self) -> bool:
        """Whether training divides keypoints by their spread over the batch: two images or more."""
        return self.architecture == "compact" and self.keypoints > 0


class UNetConfig(Section):
    """The segmentation network S (paper 4.1: a UNet; input render and target, 6 channels)."""

    weights: str | None = Field(
        default=None,
        description="imported weights (see focsbench weights list) or a path, to start from; None: "
        "random",
    )
    width: int = Field(
        default=64, ge=1, description="channels of the first level; doubles per level"
    )
    depth: int = Field(
        default=5, ge=2, description="resolution levels (released: 5, 64 to 1024 channels)"
    )
    input_stride: Literal[1, 2, 4] = Field(
        default=1,
        description="pixel-unshuffle of the input and pixel-shuffle of the output; 1: none",
    )
    blur_logits: bool = Field(
        default=False,
        description="fixed 3x3 binomial filter on the logits; without it pixel-shuffle dithers",
    )
    up_kernel: Literal[1, 3] = Field(
        default=3, description="kernel of the convolution after each doubling (released: 3)"
    )
    norm: NormKind = Field(default="batch", description="normalisation layers (released: batch)")
    dropout: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="dropout after the two deepest encoder levels (released: 0.5)",
    )
    logit_gain: float = Field(
        default=5.0,
        gt=0,
        description="the probability is sigmoid(gain x output) (released 2022: 5)",
    )


class RecognitionConfig(Section):
    """The frozen face recognition network F of the perceptual losses (paper: ArcFace)."""

    architecture: Literal["iresnet18", "iresnet34", "iresnet50", "iresnet100", "dlib", "small"] = (
        Field(
            default="iresnet50",
            description="iresnet50 (released: ms1mv3 r50) and its siblings of ArcFace, dlib (its "
            "ResNet of 29 convolutions, CC0), or small (trained in-house)",
        )
    )
    weights: str | None = Field(
        default=None,
        description="imported weights (see focsbench weights list), file name in networks/weights, "
        "or a path; imported ones bring the other settings along; None: random weights",
    )
    distance: Literal["cosine", "l2"] = Field(
        default="cosine",
        description="between embeddings: cosine (ArcFace, paper) or l2, the length of the "
        "difference (dlib, whose embeddings of any two faces have a cosine above 0.8)",
    )
    crop_size: int = Field(default=112, ge=16, description="side of the aligned crop, pixels")
    input_range: Literal["signed", "unit"] = Field(
        default="signed",
        description="signed: 2x-1 in [-1, 1] as ArcFace expects; unit: raw [0, 1], as the code "
        "did until May 2022 and thus for the numbers of the paper; dlib has its own, whatever "
        "stands here",
    )
    embedding: int = Field(default=512, ge=2, description="dimension of the identity embedding")
    widths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = Field(
        default=(16, 32, 64, 128), description="small: channels of the four stages"
    )

    @model_validator(mode="after")
    def _sizes_of_the_published_ones(self) -> Self:
        sizes = {"small": None, "dlib": (150, 128)}.get(self.architecture, (112, 512))
        if sizes and (self.crop_size, self.embedding) != sizes:
            raise ValueError(
                f"{self.architecture} takes crops of {sizes[0]} pixels and embeds in {sizes[1]} "
                "dimensions"
            )
        return self
