"""Face models by name: built once per user and kept in the cache, or read from a file.

``sources.py`` lists them; one module per source reads or builds it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from focsbench.face_models.sources import (
    SOURCES,
    checked_file,
    digest,
    source,
    source_module,
)
from focsbench.paths import cache_dir

if TYPE_CHECKING:
    from focsbench.face_models.morphable_model import MorphableModel


def face_model_names() -> tuple[str, ...]:
    """Names that :func:`load_face_model` knows."""
    return tuple(SOURCES)


def face_model_path(name: str) -> Path:
    """Where a built model is kept. Raises ConfigError for an unknown name."""
    version = source_module(name).VERSION
    return cache_dir() / "face_models" / f"{name}-v{version}.safetensors"


def load_face_model(name: str = "anny", file: Path | None = None) -> MorphableModel:
    """The uncropped face model in millimetres and the frame of `MorphableModel`.

    Args:
        name: one of :func:`face_model_names`.
        file: the file or folder of a model that is not built from an installed package.

    The first call for a built model on a machine takes its time and shows a progress bar.

    Raises:
        ConfigError: for an unknown name, or if a file is missing or out of place.
        InputError: if the file cannot be used: one sentence with the reason.
        CacheError: if the kept file of a built model is damaged.
    """
    from focsbench.face_models.morphable_model import MorphableModel

    file = checked_file(name, file)
    module = source_module(name)
    if file is not None and not source(name).kept:
        model: MorphableModel = module.read(file)
        return model
    if file is None:
        path = face_model_path(name)
    else:
        version = f"v{module.VERSION}-{digest(name, file)}"
        path = cache_dir() / "face_models" / f"{name}-{version}.safetensors"
    if path.is_file():
        return MorphableModel.load(path)
    model = getattr(module, f"build_{name}_model")() if file is None else module.read(file)
    model.save(path)
    return model
