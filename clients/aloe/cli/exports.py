"""`aloe export`: a task's labels or head, for use elsewhere."""

import csv
from collections.abc import Iterable
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TextIO

import numpy as np
import typer

from aloe.cli.audio_folder import write_audio_folder
from aloe.cli.console import CommandError, complain, counted, json_line, notes, print_json, progress
from aloe.cli.counted_labels import all_labels, count_labels
from aloe.cli.known_labels import COLUMNS, GIVEN_LABEL, IS_AUDIT, IS_RETIRED, answer_of
from aloe.cli.options import DEFAULT_SERVER, AskedHead, Json, Server, TaskId, Where, client
from aloe.cli.output_files import opened
from aloe.cli.pool_windows import write_pool_labels
from aloe.cli.window_tables import Table, WindowTables, is_for_windows, table_format
from aloe.client import HeadMap, LabelMode, LabelSet, LearnerClient, StoredLabel
from aloe.tables import ANSWER, NEGATIVE, UNKNOWN, YES_NO
from aloe.values.labels import SEPARATOR


class What(Enum):
    """What to export."""

    LABELS = "labels"
    AUDIO_FOLDER = "audiofolder"
    HEAD = "head"


def export(
    task_id: TaskId,
    what: Annotated[
        What,
        typer.Option(
            help="labels as CSV or JSON; labels and sounds as a folder that the library datasets"
            " loads as 'audiofolder'; or the head as .npz"
        ),
    ] = What.LABELS,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="file or folder to write; labels go to stdout"),
    ] = None,
    head: AskedHead = "",
    table: Table = None,
    where: Where = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Export a task's labels, with their sounds or without, or its head as a NumPy archive.

    Labels of windows of recordings become tables of Raven, Audacity or Praat where --output ends in
    .selections.txt, .txt or .TextGrid, or where --table says so.
    """
    if output is not None and not output.absolute().parent.is_dir():
        raise CommandError(f"{output.parent} is no folder: make it, or give another --output")
    with client(server) as learner:
        if what is What.HEAD and where:
            raise CommandError("--filter goes with labels, a head is one")
        if what is not What.LABELS and table is not None:
            raise CommandError("--table goes with --what labels, of windows")
        if what is What.HEAD:
            _export_head(learner, task_id, head, output)
        elif what is What.AUDIO_FOLDER:
            _export_audio_folder(learner, task_id, output, where, json=json)
        elif is_for_windows(output, table):
            tables = WindowTables(output, table_format(output, table, json=json))
            write_pool_labels(learner, task_id, tables, where)
        else:
            _export_labels(learner, task_id, output, where, json=json)


def _export_labels(
    learner: LearnerClient, task_id: str, output: Path | None, where: str, *, json: bool
) -> None:
    total = None if where else count_labels(learner, task_id)
    with progress() as bar, opened(output) as file:
        row = bar.add_task("exporting", total=total)
        labels = bar.track(all_labels(learner, task_id, where), total=total, task_id=row)
        if json:
            count = write_json(labels, file)
        else:
            count = write_table(labels, file, learner.get_task(task_id).label_mode)
    if output is not None:
        notes.print(f"{counted(count, 'label')} in {output}")


def _export_audio_folder(
    learner: LearnerClient, task_id: str, folder: Path | None, where: str, *, json: bool
) -> None:
    if folder is None:
        raise CommandError("sounds cannot be written as text: give --output FOLDER")
    with progress() as bar:
        row = bar.add_task("exporting", total=None if where else count_labels(learner, task_id))
        written = write_audio_folder(
            learner, task_id, folder, where, lambda count: bar.update(row, completed=count)
        )
    if json:
        print_json(written)
    else:
        notes.print(f"{counted(written.count, 'label')} with their sounds in {folder}")
        for count, what in (
            (written.abstained_count, "abstentions"),
            (written.retired_count, "labels of retired classes"),
        ):
            if count:
                notes.print(f"left out: {count:,} {what}")
    for clip_id, why in written.silent.items():
        complain(f"{clip_id} is not there: {why}")
    if written.silent_count:
        complain(f"{written.silent_count:,} labeled clips have no sound: they are left out")
        raise typer.Exit(1)


def write_json(labels: Iterable[StoredLabel], file: TextIO) -> int:
    """Write labels as one line of JSON that read_labels reads; return how many."""
    count = 0
    file.write("[")
    for count, each in enumerate(labels, 1):
        file.write(("" if count == 1 else ", ") + json_line(each).rstrip("\n"))
    file.write("]\n")
    return count


def write_table(
    labels: Iterable[StoredLabel], file: TextIO, label_mode: LabelMode = LabelMode.SINGLE
) -> int:
    """Write labels as the CSV that read_labels reads; return how many.

    Of several labels a clip there is a column for what it is not, and for what is not known of it.
    """
    count = 0
    writer = csv.writer(file)
    more = [NEGATIVE, UNKNOWN] if label_mode is LabelMode.MULTIPLE else []
    writer.writerow([*COLUMNS, ANSWER, "uri", IS_AUDIT, GIVEN_LABEL, IS_RETIRED, *more])
    for count, each in enumerate(labels, 1):  # noqa: B007 - the last one is the result
        named = each.label if isinstance(each.label, LabelSet) else LabelSet()
        writer.writerow(
            [
                each.clip_id,
                str(each.label or ""),
                each.split.value,
                each.oracle_id,
                each.label_time.isoformat(),
                answer_of(each.label),
                each.uri,
                YES_NO[each.is_audit],
                each.given_label or "",
                YES_NO[each.is_retired],
                *(SEPARATOR.join(getattr(named, part)) for part in more),
            ]
        )
    return count


def _map_arrays(head_map: HeadMap | None) -> dict[str, Any]:
    """Return what maps embeddings to what the head reads; HeadMap in head.proto has the formula."""
    if head_map is None:
        return {}
    arrays: dict[str, Any] = {"map_mean": head_map.mean, "map_scale": head_map.scale}
    if head_map.kernel is not None:
        arrays |= {f"map_{name}": value for name, value in asdict(head_map.kernel).items()}
    return arrays


def _export_head(learner: LearnerClient, task_id: str, asked: str, output: Path | None) -> None:
    if output is None:
        raise CommandError("a head cannot be written as text: give --output FILE.npz")
    head = learner.export_head(task_id, asked)
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
            representation=head.representation.value,
            label_mode=head.label_mode.value,
            thresholds=np.array(head.thresholds),
            **_map_arrays(head.map),
        )
    notes.print(
        f"head {head.version} of {task_id}, {counted(head.label_count, 'label')}, in {output}"
    )
