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
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="What runs the networks: torch, openvino (extra 'openvino', faster on a CPU) or "
        "openvino-bf16 (faster still on processors with bfloat16). [default: torch]",
    ),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="[STEPS=]WORD",
        help="only-missing (default): run what is missing or damaged; always: run again; never: "
        "replace nothing; only-cache: run nothing. With a pattern of step names, for these only, "
        "e.g. 'score:*=always'; the last one that fits counts.",
    ),
]
Executor = Annotated[
    str, typer.Option(help="pool (processes), inprocess, or ray (needs the extra 'ray').")
]
Address = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Of a Ray cluster; 'auto': the one of this machine."),
]
Retries = Annotated[
    int,
    typer.Option(min=0, help="Further attempts at a step that was killed or met a passing error."),
]
Shuffle = Annotated[
    int | None,
    typer.Option(
        metavar="SEED", help="Do the items of each step in a random order; no byte depends on it."
    ),
]
