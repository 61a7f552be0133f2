"""`aloe export`: a task's labels or head, for use elsewhere."""

import csv
import io
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from aloe.cli.console import CommandError, json_line, notes
from aloe.cli.known_labels import ANSWER, COLUMNS, answer_of
from aloe.cli.options import DEFAULT_SERVER, Json, Server, TaskId, client
from aloe.client import LearnerClient, StoredLabel


class What(Enum):
    """What to export."""

    LABELS = "labels"
    HEAD = "head"


def export(
    task_id: TaskId,
    what: Annotated[What, typer.Option(help="labels as CSV or JSON, or the head as .npz")] = (
        What.LABELS
    ),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="file to write; labels go to stdout")
    ] = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Export a task's labels, or its head as a NumPy archive."""
    with client(server) as learner:
        if what is What.HEAD:
            _export_head(learner, task_id, output)
        else:
            _export_labels(list(learner.export_labels(task_id)), output, json=json)


def _export_labels(labels: list[StoredLabel], output: Path | None, *, json: bool) -> None:
    text = json_line(labels) if json else label_table(labels)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8", newline="")
        notes.print(f"{len(labels):,} labels in {output}")


def label_table(labels: Iterable[StoredLabel]) -> str:
    """Write labels as the CSV that read_labels reads."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, ANSWER, "uri"])
    for each in labels:
        writer.writerow(
            [
                each.clip_id,
                each.label or "",
                each.split.value,
                each.oracle_id,
                each.label_time.isoformat(),
                answer_of(each.label),
                each.uri,
            ]
        )
    return text.getvalue()


def _export_head(learner: LearnerClient, task_id: str, output: Path | None) -> None:
    if output is None:
        raise CommandError("a head cannot be written as text: give --output FILE.npz")
    head = learner.export_head(task_id)
    with output.open("wb") as file:
        np.savez(
            file,
            weights=head.weights,
            biases=head.biases,
            classes=np.array(head.classes),
            version=head.version,
            encoder_id=head.encoder_id,
            encoder_fingerprint=head.encoder_fingerprint,
            label_count=head.label_count,
        )
    notes.print(f"head {head.version} of {task_id}, {head.label_count:,} labels, in {output}")
