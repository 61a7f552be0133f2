"""`aloe bench`: experiments with simulated oracles that others can do again."""

import typer

from aloe.cli import bench_datasets, bench_report, bench_run

app = typer.Typer(help="Experiments with simulated oracles.", no_args_is_help=True)
app.command()(bench_run.run)
app.command()(bench_datasets.datasets)
app.command()(bench_report.report)
