"""The rehearsal of a method or a folder: all checks in order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from focsbench import registry
from focsbench.face_models import load_face_model
from focsbench.focs.stages import STAGES
from focsbench.mock_run import (
    checks_answers,
    checks_behaviour,
    checks_declaration,
    checks_files,
    checks_geometry,
    checks_odd_images,
)
from focsbench.mock_run.check import Check, Outcome, Verdict, carry_out
from focsbench.mock_run.subject import FolderTrial, MethodTrial
from focsbench.mock_run.tiny_data import write_tiny_data
from focsbench.mock_run.untrained import untrained_method, write_untrained_stage
from focsbench.progress import track
from focsbench.registry import Kind


def _after(name: str, checks: tuple[Check[Any], ...]) -> tuple[Check[Any], ...]:
    """Let checks that need nothing else wait for the check that gives them answers."""
    return tuple(check if check.after else replace(check, after=(name,)) for check in checks)


_OF_ANSWERS = (*checks_answers.CHECKS, *checks_geometry.CHECKS)
METHOD_CHECKS: tuple[Check[Any], ...] = (
    *checks_declaration.CHECKS,
    *_after("answers_all", _OF_ANSWERS),
    *checks_behaviour.CHECKS,
    checks_declaration.EMPTY,
    *checks_odd_images.CHECKS,
    *checks_files.OF_METHODS,
    *checks_behaviour.DEEDS,
)
FOLDER_CHECKS: tuple[Check[Any], ...] = (
    *checks_files.OF_FOLDERS,
    *_after("files_readable", _OF_ANSWERS),
)


@dataclass(frozen=True)
class Rehearsal:
    """What all checks said about a method or folder, in their order."""

    subject: str
    outcomes: tuple[Outcome, ...]

    def count(self, verdict: Verdict) -> int:
        """Return the number of checks with a verdict."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return self.count(Verdict.FAIL) == 0


class Stage:
    """The tiny data and untrained networks, made once for all methods of a rehearsal."""

    def __init__(self, scratch: Path, face_model: str, face_model_file: Path | None) -> None:
        self.scratch = scratch
        self.face_model = face_model
        self.face_model_file = face_model_file
        self._model = load_face_model(face_model, face_model_file)
        self.settings = untrained_method()
        data = scratch / "data"
        data.mkdir()
        self.data = write_tiny_data(data)
        self._stages: dict[str, Path] = {}

    def stage(self, name: str) -> Path:
        """Return the folder of a training stage."""
        if name not in self._stages:
            settings = STAGES[name].method(self.settings)
            folder = self.scratch / "stages" / name
            self._stages[name] = write_untrained_stage(folder, settings, self._model)
        return self._stages[name]

    def method_of(self, stages: tuple[str, ...]) -> Mapping[str, Any]:
        """Return the settings that a run gives to a method with these stages."""
        return STAGES[stages[-1]].method(self.settings) if stages else {}


@contextmanager
def prepared(face_model: str = "anny", face_model_file: Path | None = None) -> Iterator[Stage]:
    """Make what rehearsals need in a temporary folder.

    Args:
        face_model, face_model_file: as ``focsbench.face_models.load_face_model`` takes them.

    Raises:
        FocsbenchError: if there is no such face model, or its file cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="focsbench-mock-run-") as scratch:
        yield Stage(Path(scratch), face_model, face_model_file)


def rehearse_method(name: str, stage: Stage) -> Rehearsal:
    """Check a registered method.

    Raises:
        ConfigError: if nothing has the name, or its package cannot be imported.
    """
    plugin = registry.load(Kind.BASELINE, name)
    return rehearse_class(name, registry.target(Kind.BASELINE, name), plugin, stage)


def rehearse_class(name: str, target: str, plugin: Any, stage: Stage) -> Rehearsal:
    """Check the class of a method.

    Args:
        name: of its entry point; target: ``package.module:Class``; plugin: the class.
        stage: from :func:`prepared`.
    """
    declared = getattr(plugin, "stages", ())
    stages = declared if isinstance(declared, tuple) else ()
    known = tuple(one for one in stages if one in STAGES)
    with tempfile.TemporaryDirectory(dir=stage.scratch) as scratch:
        trial = MethodTrial(
            name=name,
            target=target,
            plugin=plugin,
            face_model=stage.face_model,
            face_model_file=stage.face_model_file,
            image_size=int(stage.settings["image_size"]),
            method=stage.method_of(known),
            data=stage.data,
            stages={one: stage.stage(one) for one in known},
            scratch=Path(scratch),
        )
        outcomes = track(carry_out(METHOD_CHECKS, trial), name, total=len(METHOD_CHECKS))
        return Rehearsal(name, tuple(outcomes))


def rehearse_folder(folder: Path) -> Rehearsal:
    """Check a predictions folder."""
    outcomes = track(
        carry_out(FOLDER_CHECKS, FolderTrial(folder)), str(folder), total=len(FOLDER_CHECKS)
    )
    return Rehearsal(str(folder), tuple(outcomes))
