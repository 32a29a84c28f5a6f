"""``report.html``: the whole run on one page that needs nothing else."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from focsbench.reports import leaderboard
from focsbench.reports.base import ReportContext, write_text
from focsbench.reports.failures import failure_groups
from focsbench.reports.paper_tables import TABLES
from focsbench.types import POOLED

from .claims import claims_data
from .curves import curve_data
from .encoding import script_json
from .gallery import gallery_data
from .maps import map_data
from .provenance import protocol_cards, provenance_tables
from .tables import page_table

SCRIPTS = ("common.js", "tables.js", "curves.js", "gallery.js", "maps.js")
LIBRARY = "vendor/plotly-gl3d.min.js"


class Html:
    """Claims, tables, curves, galleries, error maps, protocols, provenance and failures.

    One file without any reference to another: scripts, pictures and meshes are inside. The same
    run gives the same bytes.
    """

    name = "html"
    provenance = True

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return [write_text(context.output / "report.html", render_page(context))]


def render_page(context: ReportContext) -> str:
    """Return the page as text."""
    claims = claims_data(context)
    data = {
        "curves": curve_data(context),
        "gallery": gallery_data(context),
        "maps": map_data(context),
    }
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            run=context.run,
            summary=_summary(context),
            claims=claims,
            leaderboard=page_table(leaderboard.spec_of(context), context, "interval"),
            tables=[table for spec in TABLES if (table := page_table(spec, context))],
            data=data,
            json=script_json(data),
            cards=protocol_cards(context.cards),
            provenance=provenance_tables(context),
            failures=failure_groups(context),
            style=_asset("templates/report.css"),
            scripts=[_asset(f"templates/{name}") for name in SCRIPTS],
            library=_asset(LIBRARY),
        )
    )


def _summary(context: ReportContext) -> dict[str, Any]:
    images = context.results[context.results["item"] != POOLED]
    tried = images[["method", "protocol", "item", "status"]].drop_duplicates()
    failed = tried.loc[tried["status"] == "failed", ["method", "protocol", "item"]]
    return {
        "methods": len(context.labels),
        "protocols": len(context.cards),
        "scored": len(tried[["method", "protocol", "item"]].drop_duplicates()),
        "failed": len(failed.drop_duplicates()),
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(lambda name: str(_asset(f"templates/{name}"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["slug"] = lambda text: "".join(c if c.isalnum() else "-" for c in text)
    return environment


def _asset(name: str) -> Markup:
    """Read a file of this package, whose text goes into the page as it is."""
    return Markup(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))
