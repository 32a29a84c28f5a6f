"""``focsbench plot``."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from focsbench.errors import ConfigError


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
    from focsbench.files import copy_if_changed, writable_file
    from focsbench.reports.base import Report, base_name
    from focsbench.reports.cumulative_error import SUBSETS, CumulativeError
    from focsbench.reports.error_by_yaw import ErrorByYaw
    from focsbench.reports.eta_sweep import EtaSweep
    from focsbench.runs.shown import read_shown

    as_file = output is not None and output.suffix.lower() in SUFFIXES
    if as_file and (curve is None or len(curve) != 1):
        raise ConfigError("--output FILE is one figure: name one --curve, or a folder.")
    if subset and len(subset) > 3:
        raise ConfigError("--subset: a figure has at most three panels.")
    folder = output if output is not None and not as_file else runs[0] / "plots"
    writable_file(output if as_file and output is not None else folder / "now.png", "--output")
    context = read_shown(runs).context
    if method:
        labels = {m: text for m, text in context.labels.items() if base_name(m) in method}
        unknown = set(method) - set(map(base_name, labels))
        if unknown:
            known = ", ".join(dict.fromkeys(map(base_name, context.labels)))
            raise ConfigError(f"--method {min(unknown)}: the run has {known}.")
        context = replace(context, labels=labels)
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
            for file in files:
                if as_file and output is not None:
                    if file.suffix not in (output.suffix.lower(), ".csv"):
                        continue
                    target = output if file.suffix != ".csv" else output.with_suffix(".csv")
                else:
                    target = folder / file.name
                copy_if_changed(file, target)
                written.append(target)
    if not written:
        raise ConfigError(f"{runs[0]}: has no data for a curve; see `focsbench report`.")
    typer.echo("Files:")
    for path in written:
        typer.echo(f"  {path}")
