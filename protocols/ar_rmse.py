"""Masked RMSE on the AR faces (paper, Table 1, last row)."""

from __future__ import annotations

from functools import partial

from .masked_rmse import MaskedRMSE

ARRMSE = partial(
    MaskedRMSE,
    name="ar_rmse",
    dataset="ar",
    visible_face="manual masks of Egger et al. 2018, above one half after alignment",
)
