"""`aloe export`: a task's labels or head, for use elsewhere."""

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from aloe.cli.audio_folder import write_audio_folder
from aloe.cli.console import CommandError, complain, counted, notes, print_json, progress
from aloe.cli.counted_labels import all_labels, count_labels
from aloe.cli.label_tables import label_writer
from aloe.cli.options import DEFAULT_SERVER, AskedHead, Json, Server, TaskId, Where, client
from aloe.cli.pool_windows import place_cells_of, write_pool_labels
from aloe.cli.window_tables import Table, WindowTables, is_for_windows, table_format
from aloe.client import HeadMap, LearnerClient


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
            help="labels; labels and sounds as a folder that the library datasets"
            " loads as 'audiofolder'; or the head as .npz"
        ),
    ] = What.LABELS,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="file or folder to write; labels are CSV, or by its ending .json, .jsonl or"
            " .parquet; by default they go to stdout",
        ),
    ] = None,
    head: AskedHead = "",
    table: Table = None,
    where: Where = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Export a task's labels, with their sounds or without, or its head as a NumPy archive.

    Where the pool has recordings, labels have recording, start_s and end_s of windows, empty for
    other clips. Labels of windows of recordings become tables of Raven, Audacity or Praat where
    --output ends in .selections.txt, .txt or .TextGrid, or where --table says so.
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
    task = learner.get_task(task_id)
    places = place_cells_of(learner, task.pool_id, where)
    write = label_writer(output, task.label_mode, places, json=json)
    total = None if where else count_labels(learner, task_id)
    with progress() as bar:
        row = bar.add_task("exporting", total=total)
        count = write(bar.track(all_labels(learner, task_id, where), total=total, task_id=row))
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
        if written.abstained_count:
            notes.print(f"left out: {counted(written.abstained_count, 'abstention')}")
        if written.retired_count:
            notes.print(f"left out: {counted(written.retired_count, 'label')} of retired classes")
    for clip_id, why in written.silent.items():
        complain(f"{clip_id} is not there: {why}")
    if written.silent_count:
        complain(f"left out, without sound: {counted(written.silent_count, 'labeled clip')}")
        raise typer.Exit(1)


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
