"""``focsbench plot``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from focsbench.errors import ConfigError

if TYPE_CHECKING:
    from focsbench.reports.base import ReportContext


class Curve(StrEnum):
    """The figures."""

    NOW = "now"
    YAW = "yaw"
    ETA = "eta"


SUFFIXES = (".png", ".pdf")


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Finished runs; several share one figure."),
    ],
    curve: Annotated[
        list[Curve] | None,
        typer.Option(
            help="now: cumulative error; yaw: error by head pose; eta: the sweep. Default: all "
            "that the run has."
        ),
    ] = None,
    subset: Annotated[
        list[str] | None,
        typer.Option(help="Panel of --curve now, up to three; default: unoccluded, occluded."),
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Show this method only; may be repeated.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A .png or .pdf for one curve (its data go beside it as .csv), or a folder; "
            "default: RUN/plots.",
        ),
    ] = None,
) -> None:
    """Draw curves of finished runs as PNG and PDF, with their data as CSV."""
    from focsbench.files import writable_file
    from focsbench.reports.base import Report
    from focsbench.reports.cumulative_error import SUBSETS, CumulativeError
    from focsbench.reports.error_by_yaw import ErrorByYaw
    from focsbench.reports.eta_sweep import EtaSweep
    from focsbench.runs.shown import read_shown

    file = output if output is not None and output.suffix.lower() in SUFFIXES else None
    if file is not None and (curve is None or len(curve) != 1):
        raise ConfigError("--output FILE is one figure: name one --curve, or a folder.")
    if subset and len(subset) > 3:
        raise ConfigError("--subset: a figure has at most three panels.")
    folder = output or runs[0] / "plots"
    writable_file(file or folder / "now.png", "--output")
    context = _with_methods(read_shown(runs).context, method)
    drawn: dict[Curve, Report] = {
        Curve.NOW: CumulativeError(subset or SUBSETS),
        Curve.YAW: ErrorByYaw(),
        Curve.ETA: EtaSweep(),
    }
    written: list[Path] = []
    with TemporaryDirectory() as scratch:
        for name in curve or drawn:
            files = drawn[name].write(replace(context, output=Path(scratch) / name))
            if not files and curve:
                raise ConfigError(f"--curve {name}: the run has no data for it.")
            written += _placed(files, folder, file)
    if not written:
        raise ConfigError(f"{runs[0]}: has no data for a curve; see `focsbench report`.")
    typer.echo("Files:")
    for path in written:
        typer.echo(f"  {path}")


def _with_methods(context: ReportContext, methods: Sequence[str] | None) -> ReportContext:
    """Keep some methods of a run, or of several runs."""
    from focsbench.reports.base import base_name

    if not methods:
        return context
    known = list(dict.fromkeys(map(base_name, context.labels)))
    for name in methods:
        if name not in known:
            raise ConfigError(f"--method {name}: the run has {', '.join(known)}.")
    labels = {name: text for name, text in context.labels.items() if base_name(name) in methods}
    return replace(context, labels=labels)


def _placed(files: Sequence[Path], folder: Path, file: Path | None) -> list[Path]:
    """Copy written files into a folder, or the figure and its data under the name of one file."""
    from focsbench.files import copy_if_changed

    targets = []
    for source in files:
        if file is None:
            target = folder / source.name
        elif source.suffix == file.suffix.lower():
            target = file
        elif source.suffix == ".csv":
            target = file.with_suffix(".csv")
        else:
            continue
        copy_if_changed(source, target)
        targets.append(target)
    return targets
