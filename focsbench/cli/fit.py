"""``focsbench fit``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from focsbench.cli.options import RUN, DetectorName, DetectorWeights, EngineName
from focsbench.errors import ConfigError

if TYPE_CHECKING:
    from focsbench.fit.weights import Weights
    from focsbench.landmarks.faces import Detector

PAGE = "index.html"
SUMMARY = "summary.json"


class Faces(StrEnum):
    """Which faces of a photograph are fitted."""

    ALL = "all"
    LARGEST = "largest"


def command(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO...", help="Photographs, or folders of them.")
    ],
    output: Annotated[Path, typer.Option(help="Folder to write.")] = Path("focsbench-fit"),
    run: Annotated[
        Path | None,
        typer.Option(help=f"Run whose networks are used. [default: {RUN} if it is there]"),
    ] = None,
    method: Annotated[str, typer.Option(help="Row of the run whose networks are used.")] = "focs",
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|NAMES",
            help="Instead of a run: a folder with encoder.safetensors and unet.safetensors, or "
            "names of imported weights (encoder, or encoder,unet).",
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Settings of --weights where their folder does not say.")
    ] = None,
    face_model: Annotated[
        str | None,
        typer.Option(
            help="Face model where weights do not say theirs, or to take pose and light alone "
            "from imported ones."
        ),
    ] = None,
    face_model_file: Annotated[
        Path | None, typer.Option(help="File of the face model, if it is read from one.")
    ] = None,
    refine: Annotated[
        bool,
        typer.Option(
            help="Optimise every face on its photograph: landmarks, then colours inside a robust "
            "mask. Networks trained on rendered faces need it on real ones. --no-refine keeps the "
            "answer of the encoder."
        ),
    ] = True,
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Use these landmarks: file name and 136 numbers a line, one line a face.",
        ),
    ] = None,
    detector: DetectorName = "auto",
    detector_weights: DetectorWeights = None,
    face: Annotated[Faces, typer.Option(help="Which faces of a photograph.")] = Faces.ALL,
    smallest_face: Annotated[
        float, typer.Option(min=1, help="Refuse faces with a smaller box, pixels.")
    ] = 24.0,
    engine: EngineName = None,
) -> None:
    """Reconstruct the faces of photographs: meshes, pictures, masks, parameters and one page.

    Photographs that fail are named, the others go on; the exit code is then 2.
    """
    from focsbench.files import write_json
    from focsbench.fit.batch import fit_photo, folder_names, photo_paths
    from focsbench.fit.fitter import Fitter
    from focsbench.fit.page import Page
    from focsbench.fit.refine import RefineSettings
    from focsbench.fit.summary import photo_summary
    from focsbench.inference.names import TORCH, check_engine
    from focsbench.progress import track

    engine = engine or TORCH
    check_engine(engine)
    paths = photo_paths(photos)
    folder = _output(output)
    chosen = _weights(run, method, weights, preset, face_model, face_model_file)
    found, detector_text = _detector(landmarks, detector, detector_weights)
    fitter = Fitter(chosen, RefineSettings() if refine else None, smallest_face, engine)
    page, summaries = Page(), []
    named = list(zip(paths, folder_names(paths), strict=True))
    stopped = False
    try:
        for path, name in track(named, "fit", total=len(named)):
            result = fit_photo(path, name, folder, found, fitter, face is Faces.LARGEST)
            page.add(result)
            summaries.append(photo_summary(result))
    except KeyboardInterrupt:
        stopped = True
    facts = {
        "weights": chosen.source,
        "face model": chosen.face_model,
        "landmarks": detector_text,
        "mask": "segmentation network" if fitter.segments else "colour error (Eq. 9)",
        "refined": "yes" if refine else "no",
        **({} if engine == TORCH else {"engine": engine}),
    }
    (folder / PAGE).write_text(page.html(list(facts.items())), encoding="utf-8")
    write_json(folder / SUMMARY, {**facts, "photos": summaries})
    _say(summaries, folder)
    if stopped:
        typer.echo(f"Stopped after {len(summaries)} of {len(named)} photographs.", err=True)
        raise typer.Exit(130)
    raise typer.Exit(2 if any(summary["failures"] for summary in summaries) else 0)


def _say(summaries: Sequence[dict[str, Any]], folder: Path) -> None:
    """Print what came of every photograph, and where the page is."""
    for summary in summaries:
        faces = summary["faces"]
        if summary["folder"] is not None:
            errors = ", ".join(f"{face['landmark_error_percent']:.1f} %" for face in faces)
            count = f"{len(faces)} face{'s' if len(faces) > 1 else ''}"
            place = folder / summary["folder"]
            typer.echo(f"{summary['photo']}: {count}, landmarks off by {errors}: {place}")
        for failure in summary["failures"]:
            typer.secho(failure, fg=typer.colors.YELLOW, err=True)
    typer.echo(folder / PAGE)


def _output(path: Path) -> Path:
    from focsbench.files import writable_file

    return writable_file(path / PAGE, "--output").parent


def _weights(
    run: Path | None,
    method: str,
    weights: str | None,
    preset: str | None,
    model: str | None,
    model_file: Path | None,
) -> Weights:
    from focsbench.fit import weights as sources

    if weights is not None:
        if run is not None:
            raise ConfigError("name either --run or --weights, not both.")
        if Path(weights).is_dir():
            return sources.weights_of_folder(Path(weights), preset, model, model_file)
        return sources.imported_weights(weights, preset or "released", model, model_file)
    if run is None and not (RUN / "config.json").is_file():
        typer.echo(
            f"no run in {RUN}: using the encoder that comes with focsbench, and masks from the "
            "colour error; `focsbench run-all` trains a segmentation network.",
            err=True,
        )
        return sources.shipped_weights(model, model_file)
    return sources.weights_of_run(run or RUN, method, model_file)


def _detector(landmarks: Path | None, name: str, weights: Path | None) -> tuple[Detector, str]:
    from focsbench.landmarks.cache import CachedDetector
    from focsbench.landmarks.csv_list import CsvLandmarks
    from focsbench.landmarks.detectors import open_detector

    if landmarks is not None:
        return CsvLandmarks(landmarks), str(landmarks)
    detector = open_detector(name, weights)
    return CachedDetector(detector), " ".join((detector.identity or name).split()[:2])
