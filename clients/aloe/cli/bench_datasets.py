"""`aloe bench datasets`: a data set on disk, checked and counted."""

from pathlib import Path
from typing import Annotated

import typer

from aloe.bench.datasets import load
from aloe.cli.console import print_json, print_table
from aloe.cli.options import Json
from aloe.client import Split


def datasets(
    dataset: Annotated[str, typer.Argument(help="a name, a CSV manifest, or a folder of classes")],
    root: Annotated[Path | None, typer.Option(help="folder of a data set by name")] = None,
    json: Json = False,
) -> None:
    """Check a data set on disk and count its clips by split and class."""
    data = load(dataset, root)
    counts = {task: data.counts(task) for task in data.tasks}
    if json:
        by_name = {
            task: {split.value: of_split for split, of_split in of_task.items()}
            for task, of_task in counts.items()
        }
        print_json({"dataset": data.name, "tasks": by_name})
        return
    print_table(
        ["task", "class", *(split.value for split in Split)],
        [
            [task, name, *(of_task[split][name] for split in Split)]
            for task, of_task in counts.items()
            for name in data.tasks[task]
        ],
    )
