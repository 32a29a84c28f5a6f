"""Face models by name, built once per user and kept in the cache."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from focsbench.errors import ConfigError
from focsbench.paths import cache_dir

if TYPE_CHECKING:
    from focsbench.face_models.morphable_model import MorphableModel

# name -> module with VERSION and a builder build_<name>_model()
_MODULES = {"anny": "focsbench.face_models.anny_model"}


def face_model_names() -> tuple[str, ...]:
    """Names that :func:`load_face_model` knows."""
    return tuple(_MODULES)


def face_model_path(name: str) -> Path:
    """Where the built model is kept. Raises ConfigError for an unknown name."""
    if name not in _MODULES:
        raise ConfigError(
            f"there is no face model '{name}'; choose one of {', '.join(face_model_names())}"
        )
    version = import_module(_MODULES[name]).VERSION
    return cache_dir() / "face_models" / f"{name}-v{version}.safetensors"


def load_face_model(name: str = "anny") -> MorphableModel:
    """The uncropped face model; the first call on a machine builds it, with a progress bar.

    Raises ConfigError for an unknown name and CacheError if the kept file is damaged.
    """
    from focsbench.face_models.morphable_model import MorphableModel

    path = face_model_path(name)
    if not path.is_file():
        build = getattr(import_module(_MODULES[name]), f"build_{name}_model")
        model: MorphableModel = build()
        model.save(path)
        return model
    return MorphableModel.load(path)
