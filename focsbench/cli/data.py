"""``focsbench data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from focsbench.cli import data_check, data_landmarks, data_lists
from focsbench.cli.options import Workers
from focsbench.errors import ConfigError

app = typer.Typer(
    help="Datasets: the embedded benchmark, real ones, your own.", rich_markup_mode=None
)


@app.command("make")
def make(
    folder: Annotated[Path, typer.Argument(help="Folder to write into; has to be empty.")],
    profile: Annotated[str, typer.Option(help="Profile whose data section is used.")] = "quick",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed instead of the profile's.")] = None,
    workers: Workers = None,
) -> None:
    """Write the embedded benchmark in the layouts of the real datasets."""
    from focsbench.files import empty_folder
    from focsbench.profiles.profile import load_profile
    from focsbench.runs.environment import usable_cores

    chosen = load_profile(profile, [] if seed is None else [f"seed={seed}"])
    config = chosen.synthetic_config()
    if config is None:
        raise ConfigError(f"profile {profile} has no embedded benchmark; choose another.")
    from focsbench.data.synthetic import write_benchmark

    write_benchmark(empty_folder(folder), config, workers or usable_cores())
    typer.echo(folder)


@app.command("show")
def show(
    folder: Annotated[Path, typer.Argument(help="Folder that `data make` or a run's data wrote.")],
    output: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("data.png"),
    count: Annotated[int, typer.Option(min=1, max=200, help="Number of photographs.")] = 30,
    size: Annotated[int, typer.Option(min=32, max=512, help="Side of each, pixels.")] = 128,
) -> None:
    """Draw photographs of the test split with their visible-face masks."""
    from focsbench.cli.contact_sheet import save_contact_sheet
    from focsbench.cli.pictures import checked
    from focsbench.data.layouts import open_dataset
    from focsbench.runs.datasets import dataset_root

    path = checked(output)
    dataset = open_dataset(dataset_root(folder, "celeba", "test"), "celeba", "test", size)
    save_contact_sheet(dataset, path, count, size)
    typer.echo(path)


app.command("check")(data_check.command)
app.command("lists")(data_lists.command)
app.command("landmarks")(data_landmarks.command)
