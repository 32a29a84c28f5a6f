"""What the image protocols take for visible face, in words for their cards."""

from __future__ import annotations

from focsbench.data.celebahq_rules import VISIBLE_FACE_RULE

AR = "manual masks of Egger et al. 2018, above one half after alignment"
CELEBA = f"part masks merged by {VISIBLE_FACE_RULE}, above one half after alignment"
