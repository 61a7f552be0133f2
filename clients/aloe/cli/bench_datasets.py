"""`aloe bench datasets`: which are known by name; one of them on disk, checked and counted."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from aloe.bench.datasets import NAMES, Dataset, load
from aloe.bench.datasets.split_notes import about_splits
from aloe.cli.console import complain, counted, notes, print_json, print_table, results
from aloe.cli.options import Json
from aloe.client import Split


def datasets(
    dataset: Annotated[
        str | None,
        typer.Argument(help="a name, a manifest, a folder of classes, or a file of embeddings"),
    ] = None,
    root: Annotated[Path | None, typer.Option(help="folder of a data set by name")] = None,
    json: Json = False,
) -> None:
    """List the data sets known by name; or check one on disk and count its clips."""
    if dataset is None:
        _print_names(json)
        return
    data = load(dataset, root)
    warnings = (*data.warnings, *about_splits(data))
    for warning in warnings:
        complain(warning)
    if json:
        tasks = {
            task: {split.value: dict(of_split) for split, of_split in data.counts(task).items()}
            for task in _tasks(data)
        }
        about = {
            "dataset": data.name,
            "tasks": tasks,
            "embeddings": _about_embeddings(data),
            "has_own_splits": not data.is_drawn,
            "groups": len(set(filter(None, data.groups))),
            "warnings": warnings,
        }
        print_json(about)
        return
    if (brought := _about_embeddings(data)) is not None:
        notes.print(
            f"{counted(len(data.recordings), 'embedding')} of"
            f" {brought['embedding_dim']:,} numbers by {brought['encoder']},"
            f" fingerprint {brought['fingerprint']}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    print_table(["task", "class", *(split.value for split in Split)], _count_rows(data))


def _print_names(as_json: bool) -> None:
    if as_json:
        print_json({"datasets": NAMES})
        return
    for name in NAMES:
        results.print(name, highlight=False)


def _about_embeddings(data: Dataset) -> dict[str, Any] | None:
    """Return what is known of embeddings that came without audio; None where there is audio."""
    if data.embeddings is None:
        return None
    return {
        "encoder": data.embeddings.encoder,
        "fingerprint": data.embeddings.fingerprint,
        "embedding_dim": data.embeddings.vectors.shape[1],
    }


def _tasks(data: Dataset) -> list[str]:
    return [*data.tasks, *data.multi_label_tasks]


def _count_rows(data: Dataset) -> list[list[object]]:
    rows: list[list[object]] = []
    # Of several labels a clip these are not what its classes have together.
    clip_counts = Counter(each.split for each in data.recordings)
    for task in _tasks(data):
        counts = data.counts(task)
        names = list(counts[Split.TRAIN])
        rows += [[task, name, *(counts[split][name] for split in Split)] for name in names]
        rows.append([task, "all", *(clip_counts[split] for split in Split)])
    return rows
