"""``focsbench data lists``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from focsbench.cli.options import Workers
from focsbench.errors import ConfigError


def command(
    path: Annotated[Path, typer.Argument(metavar="CELEBA", help="Folder of CelebAMask-HQ.")],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Empty folder to write into.")],
    visible_face: Annotated[
        str | None, typer.Option(metavar="RULE", help="Rule that merges the part masks.")
    ] = None,
    subsets: Annotated[
        str | None, typer.Option(metavar="RULE", help="Rule for occluded and unoccluded.")
    ] = None,
    draw: Annotated[
        str | None,
        typer.Option(
            metavar="N,M",
            help="Draw N occluded and M unoccluded test images; the paper has 750,558.",
        ),
    ] = None,
    draw_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    workers: Workers = None,
) -> None:
    """Write the lists that nobody published: splits, and which images count as occluded.

    The folder of the dataset is only read. `run-all` makes the same lists by itself; here they can
    be looked at first, corrected by hand, and used as they are: put occlusion.csv and
    policies.json beside the photographs.

    Exit codes: 0 all images are on a list, 2 some could not be read.
    """
    from focsbench.data.celebahq_lists import split_members
    from focsbench.data.celebahq_rules import SPLITS, SUBSET_RULE, SUBSETS, VISIBLE_FACE_RULE
    from focsbench.data.celebahq_subsets import draw_rule, find_subsets, write_subsets
    from focsbench.data.policies import POLICY_FILE
    from focsbench.files import empty_folder, write_atomically, write_json
    from focsbench.runs.environment import usable_cores

    wanted = None if draw is None else dict(zip(reversed(SUBSETS), _counts(draw), strict=True))
    rules = {"visible_face": visible_face or VISIBLE_FACE_RULE, "subsets": subsets or SUBSET_RULE}
    found = find_subsets(path, **rules, workers=workers or usable_cores())
    folder = empty_folder(output)
    if wanted is not None:
        found = found.drawn(wanted, draw_seed)
        rules |= draw_rule(wanted, draw_seed)
    for split in SPLITS:
        lines = "".join(f"{image.index}.jpg\n" for image in split_members(path, split))
        write_atomically(folder / f"{split}.txt", lines.encode())
    write_subsets(folder / "occlusion.csv", found, rules["subsets"])
    write_json(folder / POLICY_FILE, rules)
    for name, number in found.counts().items():
        typer.echo(f"{name:<20} {number:>6}")
    for number, reason in sorted(found.failures.items())[:5]:
        typer.secho(f"{number}: {reason}", fg=typer.colors.YELLOW, err=True)
    typer.echo("Files:")
    for file in sorted(folder.iterdir()):
        typer.echo(f"  {file}")
    raise typer.Exit(2 if found.failures else 0)


def _counts(text: str) -> tuple[int, int]:
    try:
        occluded, unoccluded = (int(part) for part in text.split(","))
        if min(occluded, unoccluded) < 0:
            raise ValueError
    except ValueError:
        raise ConfigError(f"--draw {text}: write two numbers, for example 750,558.") from None
    return occluded, unoccluded
