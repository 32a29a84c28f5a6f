"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NEW_RUN = "quick"  # profile of a run that is not there yet
RUN = Path("focsbench-run")

Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; default: the cores of this machine.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Print one line per finished step.")]
Output = Annotated[Path, typer.Option(metavar="RUN", help="Folder of the run.")]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help=f"Name of a profile or a .toml file; default: that of the run, else {NEW_RUN}.",
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field, e.g. data.ar=FOLDER."),
]
DetectorName = Annotated[
    str,
    typer.Option(
        help="dlib, face-alignment, insightface, or auto: the first that is installed. dlib's "
        "68-point model was trained on iBUG 300-W, whose terms exclude commercial use."
    ),
]
DetectorWeights = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Weights of the detector, where it cannot fetch them."),
]
