"""Masked RMSE on CelebA-HQ: unoccluded and occluded photographs (paper, Table 1)."""

from __future__ import annotations

from typing import ClassVar

from focsbench.data.celebahq import VISIBLE_FACE_RULE

from .masked_rmse import MaskedRMSE


class CelebARMSE(MaskedRMSE):
    """``rmse`` and ``rmse_common`` on CelebA-HQ."""

    name: ClassVar[str] = "celeba_rmse"
    dataset: ClassVar[str] = "celeba"
    visible_face = f"part masks merged by {VISIBLE_FACE_RULE}, above one half after alignment"
    prepare_reads_predictions: ClassVar[bool] = True
