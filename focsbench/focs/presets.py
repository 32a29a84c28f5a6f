"""The named settings of the method: ``paper``, ``released``, ``quick``, ``smoke``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from focsbench.errors import ConfigError, shown
from focsbench.focs.config import (
    AugmentationConfig,
    FocsConfig,
    InitialisationConfig,
    OptimizerConfig,
    ReconstructionConfig,
    ScaleConfig,
    ScheduleConfig,
    SegmentationConfig,
)
from focsbench.networks.config import EncoderConfig, LatentScales, RecognitionConfig, UNetConfig
from focsbench.weights.settings import with_imported_weights

QUICK_ENCODER = "quick_encoder.safetensors"
QUICK_RECOGNITION = "quick_recognition.safetensors"


def load_preset(name: str, changes: Mapping[str, Any] | None = None) -> FocsConfig:
    """Return named settings, optionally with changed fields.

    Args:
        name: ``paper``, ``released``, ``quick`` or ``smoke``.
        changes: nested mapping of fields, e.g. ``{"schedule": {"m_iterations": 5}}``. Imported
            weights bring the settings of their network along and are pinned to their checksum.

    Raises:
        ConfigError: if there are no such settings or a changed field cannot be used.
        CacheError: if the record of imported weights is damaged.
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {shown(name)}: choose one of {', '.join(PRESETS)}.")
    config = PRESETS[name]().with_changes(with_imported_weights(changes or {}))
    _check_image_size(config)
    return config


def _check_image_size(config: FocsConfig) -> None:
    """Refuse images that S cannot halve as often as it has levels.

    Only complete settings can be checked: stages that do not look at S see none of its fields.
    """
    multiple = config.unet.input_stride * 2 ** (config.unet.depth - 1)
    if config.image_size % multiple:
        raise ConfigError(
            f"method settings, image_size: {config.image_size} is not a multiple of {multiple}, "
            "which this UNet needs; change it, unet.depth or unet.input_stride."
        )


def paper() -> FocsConfig:
    """The printed formulas and constants; sums normalised as the config module explains.

    xi = 0.17 is applied to the norm of the error: 0.17^2 = 0.029 is close to the error
    eta3 / eta1 = 0.033 at which Eq. 1 and Eq. 3 balance, while on the square it accepts nearly
    everything.
    """
    return FocsConfig(
        scale=ScaleConfig(accelerator="auto"),
        encoder=EncoderConfig(head="latents"),
        initialisation=InitialisationConfig(xi=0.17, xi_measure="l2", loss="pixel"),
        reconstruction=ReconstructionConfig(
            regularise_angles=1.0, regularise_translation=1.0, regularise_light=1.0
        ),
        segmentation=SegmentationConfig(),
    )


def released() -> FocsConfig:
    """The authors' code of 2022 (GitHub), deviations from the paper included."""
    rate_after_init = 0.1 * 0.99**60  # 300k iterations, x0.99 every 5k
    return FocsConfig(
        interpolation="affine",
        renormalize_normals=False,
        scale=ScaleConfig(accelerator="auto"),
        schedule=ScheduleConfig(e_iterations=5001, m_iterations=24_999),
        reconstruction_optimizer=OptimizerConfig(
            learning_rate=0.1, factor=0.8, start_iteration=300_000
        ),
        segmentation_optimizer=OptimizerConfig(
            learning_rate=0.06 * rate_after_init, factor=0.8, decay=0.95
        ),
        adaptation_optimizer=OptimizerConfig(
            learning_rate=0.1, factor=0.8, start_iteration=500_000
        ),
        initialisation=InitialisationConfig(pretrain_double_sigmoid=True),
        reconstruction=ReconstructionConfig(
            lambda_area=0.06,
            detach_mask=False,
            pixel_norm="l2",
            pixel_reduction="mask_ratio",
            landmark_weight_squared=True,
            landmark_reduction="coordinates",
            regularisation_divisor=224.0,
        ),
        segmentation=SegmentationConfig(
            eta_presv=0.25,
            neighbour_window=5,
            neighbour_direction="render_to_target",
            neighbour_norm="l2",
            neighbour_masking="before",
            neighbour_reduction="interior_mean",
            perceptual_feature="shallow",
            bin_form="absolute",
            bin_reduction="all_pixels",
        ),
    )


def quick() -> FocsConfig:
    """Small networks and few iterations, tuned for the embedded benchmark on a CPU.

    Encoder and recognition network start from weights that ship with the package; what the paper
    takes from ImageNet and ArcFace. Images are aligned so tightly that strong geometric
    augmentation would only cost accuracy. The small recognition network sees rendered faces as
    strangers, so its terms weigh less in the mask than ArcFace's do (chosen on the validation
    split): with the weights of the paper scarves stay in the mask, and with less preservation
    than distance it collapses to nothing.
    """
    return FocsConfig(
        image_size=96,
        checkpoint_every=200,
        batch_size=24,
        encoder=EncoderConfig(
            architecture="compact",
            head="latents",
            blocks=(1, 2, 2),
            scales=LatentScales(translation_z=1.0),
            weights=QUICK_ENCODER,
            weights_face_model="anny",
        ),
        unet=UNetConfig(
            width=8,
            depth=4,
            input_stride=2,
            up_kernel=1,
            blur_logits=True,
            norm="group",
            dropout=0.1,
        ),
        recognition=RecognitionConfig(
            architecture="small", crop_size=64, embedding=128, weights=QUICK_RECOGNITION
        ),
        schedule=ScheduleConfig(
            warmup_iterations=0,  # the shipped encoder is warm
            init_iterations=500,
            unet_pretrain_iterations=150,
            joint_iterations=1450,
            e_iterations=100,
            m_iterations=190,
            adaptation_iterations=120,
            freeze_batchnorm=True,
        ),
        init_optimizer=_adam(1e-3),
        pretrain_optimizer=_adam(2e-3),
        reconstruction_optimizer=_adam(1e-3),
        segmentation_optimizer=_adam(1e-3, floor=0.3),
        adaptation_optimizer=_adam(2e-4),
        initialisation=InitialisationConfig(
            loss="pixel",
            perceptual=False,
            likelihood_reduction="region_ratio",
            pretrain_domain="region",
        ),
        reconstruction=ReconstructionConfig(
            lambda_pixel=60.0,
            lambda_perceptual=0.25,
            lambda_landmark=0.1,
            lambda_regularisation=0.05,
            landmark_weight=1.0,
            landmark_reduction="weights",
            regularisation_divisor=224.0,
        ),
        segmentation=SegmentationConfig(
            eta_neighbour=25.0, eta_dist=0.3, eta_presv=0.4, eta_bin=0.2
        ),
        augmentation=AugmentationConfig(
            max_shift=1.5,
            integer_shift=False,
            max_scale=0.03,
            max_rotation=4.0,
            interpolation="bilinear",
        ),
    )


def pretraining() -> FocsConfig:
    """Settings that the shipped weights of ``quick`` were trained with."""
    return quick().with_changes(
        {
            "encoder": {"weights": None},
            "recognition": {"weights": None},
            "reconstruction": {"lambda_perceptual": 0.0, "lambda_pixel": 10.0},
            "initialisation": {"xi": 0.03},
            "init_optimizer": {"learning_rate": 2.5e-3, "ramp_iterations": 100},
        }
    )


def smoke() -> FocsConfig:
    """``quick`` with a handful of iterations: checks that everything runs, learns nothing."""
    return quick().with_changes(
        {
            "batch_size": 8,
            "schedule": {
                "warmup_iterations": 6,
                "init_iterations": 6,
                "unet_pretrain_iterations": 6,
                "joint_iterations": 12,
                "e_iterations": 3,
                "m_iterations": 3,
                "adaptation_iterations": 6,
            },
        }
    )


def _adam(rate: float, floor: float = 0.02) -> OptimizerConfig:
    return OptimizerConfig(name="adam", learning_rate=rate, schedule="cosine", floor=floor)


PRESETS: dict[str, Callable[[], FocsConfig]] = {
    "paper": paper,
    "released": released,
    "quick": quick,
    "smoke": smoke,
}
