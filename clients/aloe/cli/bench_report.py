"""`aloe bench report`: a page, figures and tables from the results of an experiment."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aloe.cli.console import CommandError, print_json, print_table, results
from aloe.cli.experiment_progress import needing_bench
from aloe.cli.options import Json

if TYPE_CHECKING:
    from aloe.bench.report.table import Table

_LEVELS = [0.9, 0.95, 0.99]


def report(
    directory: Annotated[Path, typer.Argument(help="folder that a bench run wrote")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="folder; by default DIRECTORY/report")
    ] = None,
    level: Annotated[
        list[float],
        typer.Option(min=0, max=1, help="part of the ceiling whose labels to reach are counted"),
    ] = _LEVELS,
    baseline: Annotated[
        str,
        typer.Option(
            metavar="ARM",
            help="what labels are compared with, by parts of its name that no other arm has, such"
            " as random or best/herding; by default the paper's recipe",
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Make an HTML page, figures and tables from the results of an experiment."""
    with needing_bench():
        from aloe.bench.report import ReportError, write_report
    try:
        written = write_report(directory, output or directory / "report", level, baseline)
    except ReportError as error:
        raise CommandError(str(error)) from error
    if json:
        print_json(written)
        return
    _print_tables(written.overview)
    for each in written.findings:
        results.print(f"\n{each.title}", style="bold", markup=False, highlight=False)
        for sentence in each.sentences:
            results.print(f"- {sentence}", markup=False, highlight=False, soft_wrap=True)
    results.print(f"\nreport in {written.page}", markup=False, highlight=False, soft_wrap=True)


def _print_tables(tables: "Sequence[Table]") -> None:
    """Print tables with their notes below, each note once; a star stands for bold."""
    told: set[str] = set()
    for table in tables:
        results.print(f"\n{table.title}", style="bold", markup=False, highlight=False)
        print_table(
            table.columns,
            [[f"*{each.text}" if each.strong else each.text for each in row] for row in table.rows],
        )
        for note in table.notes:
            if note not in told:
                text = note.replace("Bold where", "* where").replace("bold where", "* where")
                results.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)
        told.update(table.notes)
