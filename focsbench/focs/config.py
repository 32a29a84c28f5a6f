"""Settings of the method. Every point where paper and released code differ is a named field.

Three complete presets (and ``smoke``, a tiny ``quick``) live in :mod:`focsbench.focs.presets`:

* ``paper``: the printed formulas and constants. The paper states no normalisation of its sums over
  pixels, landmarks and parameters; the preset divides by the rendered area, the landmarks and the
  parameters, because only then do the printed weights balance.
* ``released``: the authors' code of 2022, its deviations from the paper included.
* ``quick``: tuned for the embedded benchmark on a CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from focsbench.errors import ConfigError
from focsbench.focs.image_config import (
    AugmentationConfig,
    SkinDetectorConfig,
    SyntheticOcclusionConfig,
)
from focsbench.focs.loss_config import (
    InitialisationConfig,
    ReconstructionConfig,
    SegmentationConfig,
)
from focsbench.focs.nested import merged
from focsbench.focs.scale_config import ScaleConfig
from focsbench.networks.config import EncoderConfig, RecognitionConfig, Section, UNetConfig

__all__ = [
    "AugmentationConfig",
    "FocsConfig",
    "InitialisationConfig",
    "OptimizerConfig",
    "ReconstructionConfig",
    "ScaleConfig",
    "ScheduleConfig",
    "SegmentationConfig",
    "SkinDetectorConfig",
    "SyntheticOcclusionConfig",
]


_Momentum = Annotated[float, Field(ge=0, lt=1)]


class OptimizerConfig(Section):
    """One optimiser and its learning-rate schedule; the count of iterations is per stage."""

    name: Literal["adadelta", "adam"] = Field(
        default="adadelta",
        description="adadelta (paper, released; rho 0.9, eps 1e-6) or adam (quick)",
    )
    learning_rate: float = Field(default=0.1, gt=0, description="before decay (paper: 0.1)")
    factor: float = Field(
        default=1.0, gt=0, description="constant factor on the rate; released joint training: 0.8"
    )
    betas: tuple[_Momentum, _Momentum] = Field(
        default=(0.9, 0.99), description="adam: momentum of both moments"
    )
    schedule: Literal["step", "cosine", "constant"] = Field(
        default="step",
        description="step: x decay every decay_every iterations; cosine: down to floor",
    )
    decay: float = Field(default=0.99, gt=0, le=1, description="step: factor (paper: 0.99)")
    decay_every: int = Field(
        default=5000, ge=1, description="step: iterations between decays (paper)"
    )
    start_iteration: int = Field(
        default=0,
        ge=0,
        description="step: iterations already behind, when a stage continues a schedule",
    )
    floor: float = Field(
        default=0.02, ge=0, le=1, description="cosine: last rate as a fraction of the first"
    )
    ramp_iterations: int = Field(
        default=0,
        ge=0,
        description="linear ramp from 0 to the full rate at the start (paper: none)",
    )
    gradient_clip: float | None = Field(
        default=None, gt=0, description="largest gradient norm; None: no clipping (paper, released)"
    )


class ScheduleConfig(Section):
    """How many iterations of what; R is the autoencoder, S the segmentation network."""

    warmup_iterations: int = Field(
        default=0,
        ge=0,
        description="R on all rendered pixels, before the robust loss (paper: none)",
    )
    init_iterations: int = Field(
        default=300_000, ge=0, description="R with the robust loss of Eq. 8-9 (paper: 300k)"
    )
    unet_pretrain_iterations: int = Field(
        default=30_000, ge=0, description="S on preliminary masks (released: 30k; paper silent)"
    )
    joint_iterations: int = Field(
        default=200_000, ge=0, description="E- and M-iterations together (paper: 200k)"
    )
    e_iterations: int = Field(
        default=5000, ge=0, description="S iterations that open a cycle (paper 5000, released 5001)"
    )
    m_iterations: int = Field(
        default=25_000,
        ge=0,
        description="R iterations that close a cycle (paper 25000, released 24999)",
    )
    adaptation_iterations: int = Field(
        default=10_000,
        ge=0,
        description="M-steps on the evaluation images, only for the row 'FOCS, adapted' (released: "
        "the weights for NoW are iteration 210000, 10k after the end of the training)",
    )
    freeze_batchnorm: bool = Field(
        default=False,
        description="joint: S keeps its batch statistics fixed, which prevents bistable masks in "
        "short runs (released: false)",
    )
    collapse_iterations: int = Field(
        default=500,
        ge=0,
        description="training stops when the mask has kept less than 1 % of the rendered face for "
        "so many iterations in a row; 0: only a warning",
    )

    @model_validator(mode="after")
    def _cycle_not_empty(self) -> Self:
        if self.joint_iterations and not self.e_iterations + self.m_iterations:
            raise ValueError("e_iterations and m_iterations cannot both be 0")
        return self

    @property
    def cycle(self) -> int:
        """Iterations of one E/M cycle."""
        return self.e_iterations + self.m_iterations

    @property
    def em_cycles(self) -> float:
        """Number of E/M cycles in the joint training; the last one may be partial."""
        return self.joint_iterations / self.cycle if self.cycle else 0.0

    @property
    def matched_iterations(self) -> int:
        """R iterations after the warm-up, robust start and M-steps: a fair budget for rows of R."""
        full, rest = divmod(self.joint_iterations, max(self.cycle, 1))
        return self.init_iterations + full * self.m_iterations + max(rest - self.e_iterations, 0)


class FocsConfig(Section):
    """All settings of one training of the method."""

    image_size: int = Field(default=224, ge=32, description="side of the aligned images, pixels")
    batch_size: int = Field(default=12, ge=1, description="images per iteration (paper: 12)")
    checkpoint_every: int = Field(
        default=5000, ge=1, description="iterations between two checkpoints of a stage (released)"
    )
    rasterizer: Literal["auto", "numba", "torch", "pytorch3d"] = Field(
        default="auto", description="backend that finds the visible triangles"
    )
    interpolation: Literal["perspective", "affine"] = Field(
        default="perspective", description="of colours inside a triangle (released: affine)"
    )
    renormalize_normals: bool = Field(
        default=True,
        description="vertex normals of unit length; released: false, which darkens curved parts",
    )
    scale: ScaleConfig = Field(
        default=ScaleConfig(), description="devices and precision of the training"
    )
    encoder: EncoderConfig = Field(default=EncoderConfig(), description="network R")
    unet: UNetConfig = Field(default=UNetConfig(), description="network S")
    recognition: RecognitionConfig = Field(
        default=RecognitionConfig(), description="network F, frozen"
    )
    schedule: ScheduleConfig = Field(
        default=ScheduleConfig(), description="iterations of each stage"
    )
    init_optimizer: OptimizerConfig = Field(
        default=OptimizerConfig(), description="R in warm-up and robust initialisation"
    )
    pretrain_optimizer: OptimizerConfig = Field(
        default=OptimizerConfig(learning_rate=0.03),
        description="S on preliminary masks (released: 0.03)",
    )
    reconstruction_optimizer: OptimizerConfig = Field(
        default=OptimizerConfig(start_iteration=300_000),
        description="R in joint training (M-steps)",
    )
    segmentation_optimizer: OptimizerConfig = Field(
        default=OptimizerConfig(learning_rate=0.006, start_iteration=300_000),
        description="S in joint training (E-steps); paper: 0.06 times the rate of R",
    )
    adaptation_optimizer: OptimizerConfig = Field(
        default=OptimizerConfig(start_iteration=500_000),
        description="R in the adaptation to evaluation images",
    )
    initialisation: InitialisationConfig = Field(
        default=InitialisationConfig(), description="preliminary masks"
    )
    reconstruction: ReconstructionConfig = Field(
        default=ReconstructionConfig(), description="loss of R"
    )
    segmentation: SegmentationConfig = Field(default=SegmentationConfig(), description="loss of S")
    augmentation: AugmentationConfig = Field(
        default=AugmentationConfig(), description="of training images"
    )
    skin_detector: SkinDetectorConfig = Field(
        default=SkinDetectorConfig(), description="mask by the colour of skin"
    )

    @model_validator(mode="after")
    def _keypoints_have_a_spread(self) -> Self:
        if self.batch_size == 1 and self.encoder.needs_a_spread:
            raise ValueError(
                "batch_size has to be at least 2 for the compact encoder, which divides its "
                "keypoints by their spread over the batch"
            )
        return self

    def with_changes(self, changes: Mapping[str, Any]) -> FocsConfig:
        """Return a copy with the fields of a nested mapping replaced; validates everything.

        Raises:
            ConfigError: naming the first field that cannot be used.
        """
        try:
            return FocsConfig.model_validate(merged(self.model_dump(), changes))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the settings as a whole"
            reason = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"method settings, {where}: {reason}.") from error
