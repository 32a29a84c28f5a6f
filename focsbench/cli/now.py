"""``focsbench now``: the NoW evaluation for anybody's predictions."""

from __future__ import annotations

import typer

from focsbench.cli import now_score

app = typer.Typer(help="The NoW evaluation of predicted faces.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The NoW evaluation of predicted faces."""


app.command("score")(now_score.command)
