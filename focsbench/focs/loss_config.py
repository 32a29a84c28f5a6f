"""Settings of the losses; weights carry the symbols of the paper, reductions are named."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from focsbench.networks.config import Section

PixelNorm = Literal["l2", "squared"]
Reduction = Literal["mask_ratio", "region_ratio", "all_pixels"]
Feature = Literal["embedding", "shallow"]
Background = Literal["black", "composite"]

_REDUCTION = (
    "mask_ratio: sum over the batch / mask area of the batch; region_ratio: per image, sum / "
    "rendered area S_R; all_pixels: mean over every pixel of the batch"
)


class ReconstructionConfig(Section):
    """Loss of the autoencoder R (paper Eq. 5-7); lambdas are weights of the terms."""

    lambda_pixel: float = Field(default=0.5, ge=0, description="lambda 1, Eq. 5")
    lambda_perceptual: float = Field(default=0.25, ge=0, description="lambda 2, Eq. 6")
    lambda_landmark: float = Field(
        default=5e-4, ge=0, description="lambda 3, Eq. 7, per squared pixel"
    )
    lambda_regularisation: float = Field(default=0.1, ge=0, description="lambda 4")
    lambda_area: float = Field(
        default=0.0, ge=0, description="L_area in the M-step (released: 0.06; not in the paper)"
    )
    detach_mask: bool = Field(
        default=True,
        description="no gradient from R through the mask; released: false, so that R can lower "
        "its loss by changing the mask",
    )
    pixel_norm: PixelNorm = Field(
        default="squared",
        description="RGB error of a pixel: squared (Eq. 5) or its L2 norm (released)",
    )
    pixel_reduction: Reduction = Field(default="region_ratio", description=_REDUCTION)
    perceptual_feature: Feature = Field(
        default="embedding",
        description="F in Eq. 6: embedding (paper, released) or shallow (docker)",
    )
    perceptual_background: Background = Field(
        default="black",
        description="behind the render for F: black (released) or the photo (docker)",
    )
    landmark_weight: float = Field(
        default=20.0,
        ge=0,
        description="of iBUG 28-30 (nose ridge) and 60-67 (inner lip); the rest 1",
    )
    landmark_weight_squared: bool = Field(
        default=False,
        description="the weight multiplies the residual before squaring (released: effective 400)",
    )
    contour_weight: float = Field(
        default=1.0,
        ge=0,
        description="of iBUG 0-16, the jaw, whose static vertices slide with pose",
    )
    landmark_reduction: Literal["coordinates", "points", "weights"] = Field(
        default="points",
        description="divide the sum by 2 x 68 coordinates (released), 68 points (Deep3D), or the "
        "sum of the weights (quick)",
    )
    regularise_identity: float = Field(default=1.0, ge=0, description="weight of sum identity^2")
    regularise_expression: float = Field(
        default=1.0, ge=0, description="weight of sum expression^2"
    )
    regularise_albedo: float = Field(default=1.0, ge=0, description="weight of sum albedo^2")
    regularise_angles: float = Field(
        default=0.0, ge=0, description="weight of sum angles^2 (paper: all of theta; released: 0)"
    )
    regularise_translation: float = Field(
        default=0.0, ge=0, description="weight of sum translation^2"
    )
    regularise_light: float = Field(default=0.0, ge=0, description="weight of sum light^2")
    regularisation_divisor: float = Field(
        default=257.0,
        gt=0,
        description="of the weighted sum per image (released: 224, the image side)",
    )

    @model_validator(mode="after")
    def _area_reaches_r(self) -> Self:
        if self.lambda_area and self.detach_mask:
            raise ValueError(
                "lambda_area does nothing while detach_mask is true: R learns from the area only "
                "through the mask; set detach_mask to false, or lambda_area to 0"
            )
        return self


class SegmentationConfig(Section):
    """Loss of the segmentation network S (paper Eq. 1-4); etas are weights of the terms."""

    eta_neighbour: float = Field(default=15.0, ge=0, description="eta 1, Eq. 1")
    eta_dist: float = Field(default=3.0, ge=0, description="eta 2, Eq. 2")
    eta_area: float = Field(default=0.5, ge=0, description="eta 3, Eq. 3")
    eta_presv: float = Field(
        default=2.5, ge=0, description="eta 4, Eq. 4 (paper 2.5, released 0.25)"
    )
    eta_bin: float = Field(default=10.0, ge=0, description="eta 5, binarity of the mask")
    neighbour_window: Literal[1, 3, 5, 7] = Field(
        default=3,
        description="side of the neighbourhood (paper supplement 3, released 5); 1: the pixel "
        "itself, Eq. 5 instead of Eq. 1, as in the ablation 'Baseline' (4.4)",
    )
    neighbour_direction: Literal["target_to_render", "render_to_target"] = Field(
        default="target_to_render",
        description="each pixel of the first is compared with the neighbourhood in the second "
        "(paper: target_to_render; released: the reverse)",
    )
    neighbour_norm: PixelNorm = Field(
        default="squared", description="RGB error: squared (Eq. 1) or its L2 norm (released)"
    )
    neighbour_masking: Literal["after", "before"] = Field(
        default="after",
        description="after: the minimum is weighted by the mask (Eq. 1); before: both images are "
        "multiplied by the mask first, which also moves it (released)",
    )
    neighbour_reduction: Literal["region_ratio", "mask_ratio", "interior_mean"] = Field(
        default="region_ratio",
        description=_REDUCTION.split("; all_pixels")[0]
        + "; interior_mean: mean over all pixels whose window is inside the image (released)",
    )
    perceptual_feature: Feature = Field(
        default="embedding", description="F in Eq. 2 and 4: embedding (paper) or shallow (released)"
    )
    shallow_width_normalised: bool = Field(
        default=True,
        description="shallow maps get unit L2 norm along the image width before the cosine, a "
        "side effect of the released code",
    )
    bin_form: Literal["squared", "absolute"] = Field(
        default="squared",
        description="squared: -(M - 1/2)^2 (paper); absolute: 1/2 - |M - 1/2| (released)",
    )
    bin_reduction: Literal["all_pixels", "region_ratio"] = Field(
        default="region_ratio", description="mean over all pixels (released) or the rendered area"
    )
    background: Background = Field(
        default="black",
        description="behind the render in the input of S: black (released GitHub) or the photo "
        "(docker); the mask itself is always multiplied by the rendered region",
    )


class InitialisationConfig(Section):
    """Unsupervised start: preliminary masks from the error of the fit (paper Eq. 8-9)."""

    xi: float = Field(
        default=0.016641,
        gt=0,
        description="threshold on the RGB error, values in [0, 1]; released (3 x 0.043)^2; the "
        "printed 0.17 keeps over nine tenths of all pixels if applied to the squared error",
    )
    xi_measure: PixelNorm = Field(
        default="squared",
        description="the threshold is compared with the squared RGB error or its norm",
    )
    loss: Literal["likelihood", "pixel"] = Field(
        default="likelihood",
        description="likelihood: Eq. 8 of the accepted pixels (released); pixel: Eq. 5 with the "
        "preliminary mask, as the reconstruction section says (paper, quick)",
    )
    perceptual: bool = Field(
        default=True, description="L_per also before the joint training (released: true)"
    )
    likelihood_reduction: Literal["all_pixels", "region_ratio"] = Field(
        default="all_pixels",
        description="mean over all pixels (released) or over the rendered ones",
    )
    sigma: float = Field(
        default=0.043, gt=0, description="std of the error of a colour channel (released)"
    )
    pretrain_domain: Literal["all_pixels", "region"] = Field(
        default="all_pixels", description="pixels on which S learns the preliminary masks"
    )
    pretrain_double_sigmoid: bool = Field(
        default=False,
        description="cross-entropy applies a second sigmoid to the probability, an error of the "
        "released code that biases S to empty masks",
    )
