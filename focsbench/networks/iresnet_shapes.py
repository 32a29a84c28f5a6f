"""Sizes of ArcFace's iresnets, for whoever recognises them (no torch in here)."""

from __future__ import annotations

# Blocks of the four stages, by depth.
IRESNETS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}
