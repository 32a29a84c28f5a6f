"""``focsbench mock-run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from focsbench.mock_run.rehearse import Rehearsal


def command(
    subjects: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[METHOD|FOLDER]...",
            help="Registered methods, or folders of predictions; all methods if none is named.",
        ),
    ] = None,
    face_model: Annotated[str, typer.Option(help="Face model that methods get.")] = "anny",
    face_model_file: Annotated[
        Path | None, typer.Option(help="File of that face model, if it needs one.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print checks that passed as well.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--list", help="Print what every check asks for, and stop.")
    ] = False,
) -> None:
    """Check methods or folders of predictions on tiny data, before a run.

    Trained methods get untrained networks. Exit codes: 0 no check failed, 1 one did.
    """
    if show:
        _print_checks()
        raise typer.Exit(0)
    rehearsals = _rehearse(subjects or [], face_model, face_model_file, verbose)
    raise typer.Exit(0 if all(one.passed for one in rehearsals) else 1)


def _rehearse(
    subjects: list[str], face_model: str, face_model_file: Path | None, verbose: bool
) -> list[Rehearsal]:
    from focsbench import registry
    from focsbench.mock_run.rehearse import prepared, rehearse_folder, rehearse_method

    chosen = subjects or registry.names(registry.Kind.BASELINE)
    folders = [name for name in chosen if "/" in name or Path(name).is_dir()]
    methods = [name for name in chosen if name not in folders]
    for name in methods:
        registry.target(registry.Kind.BASELINE, name)
    found = []
    for name in folders:
        found.append(rehearse_folder(Path(name)))
        _print(found[-1], verbose)
    if methods:
        with prepared(face_model, face_model_file) as stage:
            for name in methods:
                found.append(rehearse_method(name, stage))
                _print(found[-1], verbose)
    return found


def _print(rehearsal: Rehearsal, verbose: bool) -> None:
    from focsbench.mock_run.check import Verdict

    counts = ", ".join(
        f"{rehearsal.count(verdict)} {word}"
        for verdict, word in (
            (Verdict.PASS, "passed"),
            (Verdict.FAIL, "failed"),
            (Verdict.SKIPPED, "skipped"),
        )
    )
    colour = typer.colors.GREEN if rehearsal.passed else typer.colors.RED
    typer.secho(f"{rehearsal.subject}: {counts}", fg=colour)
    for outcome in rehearsal.outcomes:
        if verbose or outcome.verdict is not Verdict.PASS:
            reason = f"  {outcome.reason}" if outcome.reason else ""
            typer.echo(f"  {outcome.verdict:<8} {outcome.name:<24}{reason}".rstrip())


def _print_checks() -> None:
    from focsbench.mock_run.rehearse import FOLDER_CHECKS, METHOD_CHECKS

    for title, checks in (("methods", METHOD_CHECKS), ("folders", FOLDER_CHECKS)):
        typer.echo(title)
        for check in checks:
            typer.echo(f"  {check.name:<24} {check.sentence}")
