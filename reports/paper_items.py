"""Every table and figure of the paper: the report that makes it, and the command for it alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tabulate import tabulate

RUN = "RUN"  # stands for the folder of the run in commands


@dataclass(frozen=True)
class Item:
    """A table or figure of the paper.

    report: name of the report that makes it; empty where it shows no result.
    shows: its content in a few words, or why there is no report.
    """

    paper: str
    report: str
    shows: str

    @property
    def command(self) -> str:
        """The command that writes it again from the results of a run."""
        return f"focsbench report {RUN} --only {self.report}" if self.report else ""


ITEMS = (
    Item("Table 1", "table1", "RMSE on CelebA-HQ and AR"),
    Item("Table 2", "table2", "scan distances, all photographs"),
    Item("Table 3", "table3", "scan distances without and with occlusion"),
    Item("Table 4", "table4", "masks on AR"),
    Item("Table 5", "table5", "ablation"),
    Item("Figure 1", "", "teaser, no results of its own; see Figure 4"),
    Item("Figure 2", "", "drawing of the pipeline"),
    Item("Figure 3", "figure3", "MoFA and the proposed method under occlusion"),
    Item("Figure 4", "figure4", "reconstructions and masks"),
    Item("Figure 5", "figure5", "ablation: masks"),
    Item("Supplementary Table 1", "supplement_table1", "masks on CelebA-HQ"),
    Item("Supplementary Figure 1", "", "drawing of the neighbour loss"),
    Item("Supplementary Figure 2", "cumulative_error", "cumulative error on NoW"),
    Item("Supplementary Figure 3", "error_by_yaw", "error against yaw on NoW"),
    Item("Supplementary Figure 4", "supplement_figure4", "random photographs"),
    Item("Supplementary Figure 5", "eta_sweep", "weights of the segmentation loss"),
    Item("Supplementary Figure 6", "supplement_figure6", "extreme illumination"),
    Item("Supplementary Figure 7", "supplement_figure7", "occluders of the colour of skin"),
    Item("Supplementary Figure 8", "supplement_figure8", "occlusion and large pose"),
    Item("Supplementary Figure 9", "supplement_figure9", "ablation on CelebA-HQ"),
    Item("Supplementary Figure 10", "supplement_figure10", "ablation on AR"),
)


def items_markdown(written: Collection[str]) -> str:
    """Return a table of the items with links and commands.

    written: names of the files of this run; an item without a file has no link.
    """
    rows = []
    for item in ITEMS:
        files = {kind: f"{item.report}.{kind}" for kind in ("md", "tex", "png", "pdf", "csv")}
        links = ", ".join(f"[{kind}]({file})" for kind, file in files.items() if file in written)
        command = f"`{item.command}`" if item.command else ""
        rows.append((item.paper, item.shows, links or "—", command))
    return tabulate(
        rows, ("paper", "shows", "here", "command"), tablefmt="github", disable_numparse=True
    )
