"""From a folder of a method's outputs to a predictions folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from focsbench.convert.adapter import Adapter
from focsbench.data.predictions import PredictionWriter
from focsbench.errors import InputError
from focsbench.geometry.diagnosis import UNSCORABLE, diagnose_landmarks, diagnose_prediction
from focsbench.geometry.diagnosis_finding import Finding
from focsbench.progress import track
from focsbench.types import Reconstruction


@dataclass
class Conversion:
    """What became of the outputs.

    written: keys in order; failures: reason by key; unmatched: outputs that no image of the list
    asks for; findings: what is odd about the written ones, by name the keys and the first message.
    """

    written: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    findings: dict[str, tuple[list[str], str]] = field(default_factory=dict)

    def note(self, key: str, findings: Iterable[Finding]) -> None:
        """Add findings about one image."""
        for one in findings:
            self.findings.setdefault(one.name, ([], one.message))[0].append(key)


def convert(
    adapter: Adapter,
    source: Path,
    output: Path,
    *,
    method: str,
    keys: Sequence[str] | None,
    notes: Mapping[str, str],
) -> Conversion:
    """Read all outputs and write a predictions folder.

    Args:
        adapter: of the method.
        source: folder of its outputs.
        output: existing empty folder.
        method: name of the method in the manifest.
        keys: of the images to look for; None takes the outputs under the names they have.
        notes: more entries of the manifest.

    Raises:
        InputError: if nothing of the method is there, or nothing belongs to an image.
    """
    if not source.is_dir():
        raise InputError(f"{source}: no such folder; name the folder that the method wrote to.")
    found = adapter.find(source)
    if not found:
        raise InputError(f"{source}: holds no output of {adapter.label} ({adapter.reads}).")
    result = Conversion()
    chosen = dict(found) if keys is None else _matched(found, keys, result)
    if not chosen:
        raise InputError(
            f"{source}: none of its {len(found)} outputs belongs to an image of the list (the "
            f"first output is {next(iter(found))}, the first image {keys[0] if keys else ''}); "
            "keep subject/challenge/image in the names."
        )
    writer = PredictionWriter(
        output,
        method=method,
        label=adapter.label,
        dataset="now" if keys is not None else "",
        image_size=None,
        unit=adapter.unit,
        notes={"converted_from": adapter.name, **notes},
    )
    with writer:
        for key, path in track(chosen.items(), f"convert {adapter.label}", len(chosen)):
            try:
                reconstruction = adapter.read(path)
                result.note(key, _diagnosed(path, reconstruction))
                writer.write(key, reconstruction)
                result.written.append(key)
            except InputError as error:
                result.failures[key] = str(error)
        for key, reason in result.failures.items():
            writer.fail(key, reason)
    return result


def _diagnosed(path: Path, reconstruction: Reconstruction) -> list[Finding]:
    mesh, landmarks = reconstruction.neutral, reconstruction.landmarks7
    assert mesh is not None
    assert landmarks is not None
    findings = diagnose_prediction(mesh, landmarks)
    for one in findings:
        if one.name in UNSCORABLE:
            raise InputError(f"{path}: {one.message}")
    return findings + diagnose_landmarks(mesh, landmarks)


def _matched(found: Mapping[str, Path], keys: Sequence[str], result: Conversion) -> dict[str, Path]:
    """Find the output of each image: by its whole key, its key with other marks, or its name.

    A name alone counts where just one image and one output have it.
    """
    by_name: dict[str, list[str]] = {}
    images: dict[str, int] = {}
    for name in found:
        for spelling in {name, name.rpartition("/")[2]}:
            by_name.setdefault(spelling, []).append(name)
    for key in keys:
        images[_last(key)] = images.get(_last(key), 0) + 1
    chosen: dict[str, Path] = {}
    used: set[str] = set()
    for key in keys:
        endings = [name for name in found if name.endswith(f"/{key}")]
        flat = [name for mark in "_-." for name in by_name.get(key.replace("/", mark), [])]
        alone = by_name.get(_last(key), []) if images[_last(key)] == 1 else []
        candidates = next((c for c in (by_name.get(key, []), endings, flat, alone) if c), [])
        if len(set(candidates)) == 1:
            chosen[key] = found[candidates[0]]
            used.add(candidates[0])
        elif candidates:
            result.failures[key] = f"{len(candidates)} outputs may be meant: {candidates[0]}, ..."
        else:
            result.failures[key] = "the method has no output for this image"
    result.unmatched = [name for name in found if name not in used]
    return chosen


def _last(key: str) -> str:
    return key.rpartition("/")[2]
