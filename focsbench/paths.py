"""Where focsbench keeps what it builds once per user."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Return the per-user cache folder (``$FOCSBENCH_CACHE`` wins over the platform default)."""
    override = os.environ.get("FOCSBENCH_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("focsbench"))
