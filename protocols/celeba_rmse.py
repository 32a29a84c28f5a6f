"""Masked RMSE on CelebA-HQ: unoccluded and occluded photographs (paper, Table 1)."""

from __future__ import annotations

from typing import ClassVar

from .masked_rmse import MaskedRMSE
from .visible_face import CELEBA


class CelebARMSE(MaskedRMSE):
    """``rmse`` and ``rmse_common`` on CelebA-HQ."""

    name: ClassVar[str] = "celeba_rmse"
    dataset: ClassVar[str] = "celeba"
    visible_face = CELEBA
    prepare_reads_predictions: ClassVar[bool] = True
