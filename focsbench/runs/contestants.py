"""What ``focsbench compare`` is given: methods of a run, runs, results, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from focsbench.data.photos import key_of
from focsbench.errors import ConfigError, InputError
from focsbench.now.distance_files import DISTANCES
from focsbench.now.result_folder import RESULT as NOW_RESULT
from focsbench.runs.finished import read_results, read_runs
from focsbench.runs.run_folder import RESULTS, RunFolder
from focsbench.runs.score import ARRAYS
from focsbench.runs.score_folder import score_folders
from focsbench.types import POOLED, ResultRow

if TYPE_CHECKING:
    from focsbench.reports.comparison import Contender
    from focsbench.reports.evidence import Evidence

NOW_METRICS = ("median", "mean", "std")


@dataclass(frozen=True)
class Source:
    """Results of one place.

    name: how it is printed beside another one. runs: its results; several are seeds. method: the
    one that is meant, or an empty text: all that it has.
    """

    name: str
    runs: tuple[Evidence, ...]
    method: str = ""

    @property
    def methods(self) -> list[str]:
        """The methods that are meant."""
        if self.method:
            return [self.method]
        return list(dict.fromkeys(str(m) for run in self.runs for m in run.results["method"]))


@dataclass(frozen=True)
class Scoring:
    """How folders of predictions are scored; see :func:`.score_folder.score_folders`."""

    dataset: Path
    protocol: str
    output: Path
    split: str
    image_size: int


def read_sources(names: Sequence[str], run: Path, scoring: Scoring | None) -> list[Source]:
    """Read what is compared.

    Args:
        names: each a method of ``run``; or the folder of a run, a folder or file ``results.csv``,
            a result folder of ``focsbench now score``, for these also ``PATH:METHOD``; or, with
            ``scoring``, a folder of predictions.
        run: folder of the run that has the methods.
        scoring: how predictions are scored, all by one protocol and on the same items.

    Raises:
        FocsbenchError: if a name is none of these.
    """
    if scoring is not None:
        return _scored([Path(name) for name in names], scoring)
    known: dict[Path, tuple[Evidence, ...]] = {}

    def read(path: Path) -> tuple[Evidence, ...]:
        if path not in known:
            known[path] = _read(path)
        return known[path]

    sources = []
    for name in names:
        folder, _, method = name.rpartition(":")
        if Path(name).exists():
            sources.append(Source(_short(Path(name)), read(Path(name))))
        elif folder and Path(folder).exists():
            sources.append(
                _checked(Source(_short(Path(folder)), read(Path(folder)), method), folder)
            )
        else:
            if not run.exists():
                raise InputError(
                    f"{name}: neither a path nor, for want of the run {run}, a method; name the "
                    "run with --run."
                )
            sources.append(_checked(Source(_short(run), read(run), name), str(run)))
    return sources


def contender_pairs(
    sources: Sequence[Source], references: frozenset[str]
) -> list[tuple[Contender, Contender]]:
    """Return who is compared with whom: the first source with each of the others.

    With a single method, it is compared with all others of its run, but for ``references``. Two
    places without a named method are compared method by method.

    Raises:
        ConfigError: if nothing can be compared.
        InputError: if the places hold results of different photographs.
    """
    first, others = sources[0], list(sources[1:])
    if not others:
        if not first.method:
            raise ConfigError(
                "name a second method, run or results.csv to compare with; a single method is "
                "compared with all others of its run."
            )
        names = Source(first.name, first.runs).methods
        others = [
            Source(first.name, first.runs, name)
            for name in names
            if name != first.method and name not in references
        ]
    pairs = [pair for other in others for pair in _pairs(first, other)]
    if not pairs:
        raise ConfigError(f"{first.name}: no other method to compare {first.method} with.")
    return pairs


def _pairs(first: Source, other: Source) -> list[tuple[Contender, Contender]]:
    from focsbench.reports.comparison import Contender

    _check_data(first, other)
    mine, theirs = first.methods, other.methods
    if len(mine) == 1 and len(theirs) == 1:
        matches = [(mine[0], theirs[0])]
    else:
        matches = [
            (a, b) for a in mine for b in theirs if a == b or bool(first.method or other.method)
        ]
    if not matches:
        raise ConfigError(
            f"{first.name} and {other.name} have no method in common; name one as PATH:METHOD."
        )
    same = first.runs is other.runs
    pairs = []
    for a, b in matches:
        labels = (a, b) if same or a != b else (f"{first.name}: {a}", f"{other.name}: {b}")
        if labels[0] == labels[1]:
            raise ConfigError(f"{labels[0]}: compared with itself; name two different ones.")
        pairs.append((Contender(labels[0], a, first.runs), Contender(labels[1], b, other.runs)))
    return pairs


def _check_data(first: Source, other: Source) -> None:
    if len(first.runs) != len(other.runs):
        raise InputError(
            f"{other.name}: {len(other.runs)} seeds, but {first.name} has {len(first.runs)}; "
            "compare runs of as many."
        )
    for mine, theirs in zip(first.runs, other.runs, strict=True):
        if mine.data and theirs.data and mine.data != theirs.data:
            raise InputError(
                f"{other.name}: its photographs are not those of {first.name}, so nothing can be "
                "paired; compare runs on the same data."
            )


def _read(path: Path) -> tuple[Evidence, ...]:
    from focsbench.reports.evidence import Evidence

    if (path / RunFolder(path).config.name).is_file():
        return tuple(read_runs([path]))
    if (path / NOW_RESULT).is_file():
        return (_now_evidence(path),)
    file = path / RESULTS if path.is_dir() else path
    if not file.is_file():
        raise InputError(
            f"{path}: neither a run nor results; for predictions give --dataset and --protocol."
        )
    results = read_results(file)
    folders: dict[str, dict[str, Path]] = {}
    names = results[["protocol", "method"]].drop_duplicates().to_numpy().tolist()
    if len(names) == 1 and (file.parent / ARRAYS).is_dir():
        protocol, method = names[0]
        folders = {protocol: {method: file.parent / ARRAYS}}
    return (Evidence(results, more_distances=folders, name=_short(path)),)


def _now_evidence(folder: Path) -> Evidence:
    """Read a result folder of ``focsbench now score``, with its distances if it has them."""
    import pandas as pd

    from focsbench.now.result import read_json
    from focsbench.reports.evidence import Evidence

    result = read_json(folder / NOW_RESULT)
    protocol = str(result.protocol.get("name", "now"))
    rows: list[ResultRow] = []
    for image in result.images:
        key = key_of(image.image)
        subject, challenge, _ = key.split("/")
        names = (result.method, protocol, challenge, subject, key)
        rows += [ResultRow(*names, name, getattr(image, name)) for name in NOW_METRICS]
    for subset, group in {"all": result.overall, **result.challenges}.items():
        names = (result.method, protocol, subset, "", POOLED)
        for name in NOW_METRICS if group.pooled is not None else ():
            rows.append(ResultRow(*names, name, getattr(group.pooled, name)))
    if not rows:
        raise InputError(f"{folder}: no image has a result; leave it out.")
    arrays = {protocol: {result.method: folder / DISTANCES}}
    return Evidence(
        pd.DataFrame([vars(row) for row in rows]), more_distances=arrays, name=_short(folder)
    )


def _scored(paths: Sequence[Path], scoring: Scoring) -> list[Source]:
    from focsbench.reports.evidence import Evidence

    score_folders(
        paths, scoring.dataset, scoring.protocol, scoring.output, scoring.split, scoring.image_size
    )
    results = read_results(scoring.output / RESULTS)
    folders = {path.resolve().name: scoring.output / ARRAYS / path.resolve().name for path in paths}
    runs = (Evidence(results, more_distances={scoring.protocol: folders}),)
    return [Source(scoring.protocol, runs, name) for name in folders]


def _checked(source: Source, place: str) -> Source:
    known = Source(source.name, source.runs).methods
    if source.method not in known:
        raise InputError(f"{source.method}: no method of {place}; it has {', '.join(known)}.")
    return source


def _short(path: Path) -> str:
    path = path.parent if path.name == RESULTS else path
    return path.resolve().name
