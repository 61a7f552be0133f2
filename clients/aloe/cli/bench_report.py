"""`aloe bench report`: a page, figures and tables from the results of an experiment."""

from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.console import CommandError, print_json, print_table, results
from aloe.cli.experiment_progress import needing_bench
from aloe.cli.options import Json

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
            " as random or logistic/herding; by default the paper's recipe",
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
    for table in written.overview:
        results.print(f"\n{table.title}", style="bold", markup=False, highlight=False)
        print_table(table.columns, [[cell.text for cell in row] for row in table.rows])
    for note in dict.fromkeys(note for table in written.overview for note in table.notes):
        results.print(note, style="dim", markup=False, highlight=False, soft_wrap=True)
    for each in written.findings:
        results.print(f"\n{each.title}", style="bold", markup=False, highlight=False)
        for sentence in each.sentences:
            results.print(f"- {sentence}", markup=False, highlight=False, soft_wrap=True)
    results.print(f"\nreport in {written.page}", markup=False, highlight=False, soft_wrap=True)
