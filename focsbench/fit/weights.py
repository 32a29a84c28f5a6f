"""Which trained networks are used: those of a run, of a folder, or the encoder that ships."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from focsbench import registry
from focsbench.errors import CacheError, ConfigError
from focsbench.focs.config import FocsConfig
from focsbench.focs.presets import load_preset
from focsbench.networks.names import ENCODER_FILE, UNET_FILE
from focsbench.registry import Kind
from focsbench.runs.artefact import DESCRIPTION
from focsbench.runs.run_folder import RunFolder
from focsbench.runs.sources import SourceTree
from focsbench.weights.store import path_of


@dataclass(frozen=True)
class Weights:
    """Networks on disk and what they were trained with.

    folder: holds the encoder and, if the row has one, the segmentation network; None where the
    settings name them. source: for people. face_model_file: of a face model that is
    read from a file.
    """

    config: FocsConfig
    face_model: str
    folder: Path | None
    source: str
    face_model_file: Path | None = None

    @property
    def encoder(self) -> Path | None:
        """File of R's encoder; None for the one that the settings name."""
        return None if self.folder is None else self.folder / ENCODER_FILE

    @property
    def unet(self) -> Path | None:
        """File of S, if there is one."""
        if self.folder is None or not (self.folder / UNET_FILE).is_file():
            return None
        return self.folder / UNET_FILE


def shipped_weights(face_model: str | None = None, face_model_file: Path | None = None) -> Weights:
    """The encoder that training starts from: trained on rendered photographs, without S.

    For another face model than the one that it was trained with it gives pose and light, and the
    refinement finds the shape.
    """
    source = "the encoder that comes with focsbench"
    return Weights(load_preset("quick"), face_model or "anny", None, source, face_model_file)


def imported_weights(
    names: str, preset: str, face_model: str | None = None, face_model_file: Path | None = None
) -> Weights:
    """Take networks that ``focsbench weights import`` keeps.

    Args:
        names: of the encoder or, separated by a comma, of the encoder and the segmentation network.
        preset: settings that they were trained with.
        face_model: to fit; None for the one that the encoder was trained with, where its record
            says it. With another one only its pose and light are kept.
        face_model_file: file of a face model that is read from one.

    Raises:
        ConfigError: if these are not one or two names, or the preset does not exist.
        CacheError: if nothing was imported under a name.
    """
    encoder, *others = [name.strip() for name in names.split(",")]
    if not encoder or len(others) > 1:
        raise ConfigError(f"{names}: name an encoder, or an encoder and a network S: NAME,NAME.")
    for name in (encoder, *others):
        path_of(name)
    changes: dict[str, Any] = {"encoder": {"weights": encoder}}
    if others:
        changes["unet"] = {"weights": others[0]}
    config = load_preset(preset, changes)
    model = face_model or config.encoder.weights_face_model or "anny"
    return Weights(config, model, None, f"imported {names}", face_model_file)


def weights_of_run(run: Path, method: str, face_model_file: Path | None = None) -> Weights:
    """Find the networks that a run trained for a row.

    Args:
        run: folder of the run; training may still go on in it.
        method: name of the row, e.g. ``focs``.
        face_model_file: where the file of the face model is now, if the run read one elsewhere.

    Raises:
        InputError: if the folder is not a run.
        ConfigError: if the row is unknown, is not trained, or is not trained yet.
        CacheError: if a file of the networks was damaged.
    """
    folder = RunFolder(run)
    recorded = folder.read_config().get("face_model_file")
    file = face_model_file or (Path(recorded) if isinstance(recorded, str) else None)
    stage = _last_stage(method)
    descriptions = list(folder.store.root.glob(f"{stage}-*/{DESCRIPTION}"))
    named = [path for path in descriptions if _facts(path).get("name") == stage]
    if not named:
        raise ConfigError(
            f"{run}: holds no trained networks of {method} yet; "
            f"`focsbench train {method} --output {run}` makes them."
        )
    newest = max(named, key=lambda path: path.stat().st_mtime)
    facts = _facts(newest)
    artefact = folder.store.find(stage, str(facts.get("key")), hashes=True)
    if artefact is None:
        raise CacheError(f"{newest}: this cached description is damaged; run again.")
    return _described(artefact.folder, facts, f"{method} of {run}", file)


def weights_of_folder(
    folder: Path,
    preset: str | None = None,
    face_model: str | None = None,
    face_model_file: Path | None = None,
) -> Weights:
    """Take networks from a folder with ``encoder.safetensors`` and, optional, ``unet.safetensors``.

    Args:
        folder: for example one of a training stage, whose ``artefact.json`` says the settings.
        preset: settings of the networks where nothing says them: quick, paper or released.
        face_model: name of the face model where nothing says it.
        face_model_file: file of a face model that is read from one.

    Raises:
        ConfigError: if there is no encoder, or settings are needed and not given.
    """
    if not (folder / ENCODER_FILE).is_file():
        raise ConfigError(f"{folder}: holds no {ENCODER_FILE}; name a folder of trained networks.")
    facts = _facts(folder / DESCRIPTION)
    if preset is None and facts:
        return _described(folder, facts, str(folder), face_model_file)
    if preset is None:
        raise ConfigError(
            f"{folder}: nothing says which settings its networks have; "
            "add --preset quick, paper or released."
        )
    config = load_preset(preset)
    return Weights(config, face_model or "anny", folder, str(folder), face_model_file)


def _last_stage(method: str) -> str:
    if method not in registry.names(Kind.BASELINE):
        raise registry.unknown("method", method, set(registry.names(Kind.BASELINE)))
    stages = SourceTree().class_constant(registry.target(Kind.BASELINE, method), "stages")
    if not stages:
        raise ConfigError(f"{method}: this row is not trained, so it cannot fit; choose focs.")
    return str(stages[-1])


def _described(folder: Path, facts: dict[str, Any], source: str, file: Path | None) -> Weights:
    settings = facts.get("config")
    try:
        if not isinstance(settings, dict):
            raise TypeError("no settings")
        config = FocsConfig.model_validate(settings["method"])
        face_model = str(settings["face_model"])
    except (KeyError, TypeError, ValidationError):
        raise CacheError(
            f"{folder / DESCRIPTION}: its settings are not those of this focsbench; "
            "train again, or name --preset."
        ) from None
    return Weights(config, face_model, folder, source, file)


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
