"""Masked RMSE on CelebA-HQ: unoccluded and occluded photographs (paper, Table 1)."""

from __future__ import annotations

from functools import partial

from focsbench.data.celebahq import VISIBLE_FACE_RULE

from .masked_rmse import MaskedRMSE

CelebARMSE = partial(
    MaskedRMSE,
    name="celeba_rmse",
    dataset="celeba",
    visible_face=f"part masks merged by {VISIBLE_FACE_RULE}, above one half after alignment",
)
