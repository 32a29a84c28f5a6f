"""Masked RMSE on the AR faces (paper, Table 1, last row)."""

from __future__ import annotations

from typing import ClassVar

from .masked_rmse import MaskedRMSE
from .visible_face import AR


class ARRMSE(MaskedRMSE):
    """``rmse`` and ``rmse_common`` on the AR faces."""

    name: ClassVar[str] = "ar_rmse"
    dataset: ClassVar[str] = "ar"
    visible_face = AR
    prepare_reads_predictions: ClassVar[bool] = True
