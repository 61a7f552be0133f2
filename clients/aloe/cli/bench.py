"""`aloe bench`: experiments with simulated oracles that others can do again."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from aloe.bench.datasets import Dataset, load
from aloe.cli.console import print_json, print_table
from aloe.cli.options import Json
from aloe.client import Split

app = typer.Typer(help="Experiments with simulated oracles.", no_args_is_help=True)


@app.command()
def datasets(
    dataset: Annotated[str, typer.Argument(help="a name, a CSV manifest, or a folder of classes")],
    root: Annotated[Path | None, typer.Option(help="folder of a data set by name")] = None,
    json: Json = False,
) -> None:
    """Check a data set on disk and count its clips by split and class."""
    data = load(dataset, root)
    counts = {task: _counts(data, task) for task in data.tasks}
    if json:
        print_json({"dataset": data.name, "tasks": counts})
        return
    splits = [split.value for split in Split]
    print_table(
        ["task", "class", *splits],
        [
            [task, name, *(of_class[split] for split in splits)]
            for task, of_task in counts.items()
            for name, of_class in of_task.items()
        ],
    )


def _counts(data: Dataset, task: str) -> dict[str, dict[str, int]]:
    """Return class to split to how many clips."""
    found = Counter((r.labels[task], r.split) for r in data.recordings)
    return {name: {split.value: found[name, split] for split in Split} for name in data.tasks[task]}
