"""``focsbench now``: the NoW evaluation for anybody's predictions."""

from __future__ import annotations

import typer

from focsbench.cli import now_check, now_compare, now_pack, now_score

app = typer.Typer(help="The NoW evaluation of predicted faces.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The NoW evaluation of predicted faces."""


app.command("score")(now_score.command)
app.command("check")(now_check.command)
app.command("compare")(now_compare.command)
app.command("pack")(now_pack.command)
