"""The ``focsbench`` command: names the commands, turns known errors into one sentence."""

from __future__ import annotations

import sys

import typer

from focsbench.cli import (
    claims,
    compare,
    convert,
    data,
    doctor,
    fit,
    licences,
    list_names,
    mock_run,
    models,
    now,
    plot,
    predict,
    profile,
    report,
    run_all,
    runs,
    score,
    sweep,
    train,
    train_pretrained,
    version,
    weights,
)
from focsbench.errors import FocsbenchError
from focsbench.threads import single_threaded_linear_algebra

# Rich help would cost more time than all the rest of the start.
app = typer.Typer(
    name="focsbench",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Benchmark for monocular 3D face reconstruction under occlusion.

    Exit codes: 0 all went well, 1 the command or a step failed, 2 some images failed.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("run-all")(run_all.command)
app.add_typer(runs.app, name="runs")
app.command("report")(report.command)
app.command("plot")(plot.command)
app.command("compare")(compare.command)
app.command("claims")(claims.command)
app.command("train")(train.command)
app.command("predict")(predict.command)
app.command("score")(score.command)
app.command("convert")(convert.command)
app.command("fit")(fit.command)
app.command("sweep")(sweep.command)
app.command("mock-run")(mock_run.command)
app.command("list")(list_names.command)
app.command("licences")(licences.command)
app.command("doctor")(doctor.command)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(profile.app, name="profile")
app.add_typer(now.app, name="now")
app.add_typer(weights.app, name="weights")
app.command("train-pretrained")(train_pretrained.command)
app.command("version")(version.command)


def main() -> None:
    """Run the command line; exceptions that nobody foresaw keep their traceback."""
    single_threaded_linear_algebra()
    try:
        code = app(standalone_mode=False)
    except FocsbenchError as error:
        _complain(str(error))
        code = 1
    except typer.TyperException as error:
        _complain(f"{error.format_message().rstrip('.')}. Try focsbench --help.")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _complain(sentence: str) -> None:
    typer.secho(f"focsbench: {sentence}", fg=typer.colors.RED, err=True)
