"""Paths of pictures that commands write."""

from __future__ import annotations

from pathlib import Path

from focsbench.errors import ConfigError
from focsbench.files import writable_file


def checked(path: Path) -> Path:
    """Return the path of a PNG file that can be written, its folder created.

    Raises:
        ConfigError: if it is not a .png or its folder cannot be created.
    """
    if path.suffix != ".png":
        raise ConfigError(f"{path}: pictures are PNG files; choose a name that ends in .png.")
    return writable_file(path, "--output")
