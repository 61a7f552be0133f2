"""`aloe task import-labels`: labels that are known already, from a file."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.console import (
    CommandError,
    are,
    complain,
    counted,
    in_words,
    notes,
    print_json,
    progress,
    tell,
)
from aloe.cli.known_labels import LabelFile, OnConflict, read_labels
from aloe.cli.options import DEFAULT_SERVER, Json, Server, TaskId, client
from aloe.cli.pool_windows import pool_windows
from aloe.cli.window_labels import read_window_labels
from aloe.client import (
    AloeError,
    AlreadyExists,
    ImportLabelsResult,
    InvalidArgument,
    LabelMode,
    LearnerClient,
)
from aloe.windows import TableFormat

_PATIENCE = timedelta(minutes=2)
"""Of each call, with some thousand labels."""
_SHOWN = 5
"""Recordings."""
_PLACE = re.compile(r"labels\[([0-9]+)\]")


def import_labels(
    task_id: TaskId,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with the columns clip_id,label[,split], or what aloe export wrote; with"
            " --table windows of recordings with labels"
        ),
    ],
    table: Annotated[
        TableFormat | None,
        typer.Option(help="FILE is a table of windows of recordings, of this format"),
    ] = None,
    recording: Annotated[
        str,
        typer.Option(help="which recording --table is about: its id or file; audacity, textgrid"),
    ] = "",
    encoding: Annotated[
        str | None, typer.Option(help="of the file, such as cp1252; by default UTF-8 or UTF-16")
    ] = None,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="which of several different labels of one clip counts")
    ] = OnConflict.REFUSE,
    events: Annotated[
        bool,
        typer.Option(
            "--events",
            help="rows of --table are events of any length, as in what aloe predict wrote: windows"
            " that have their middle in one get its label; from an event that is deleted nothing is"
            " learned: give a wrong one another class",
        ),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="over other answers, those of people included")
    ] = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Give a task labels that are known already: seed labels, validation and test labels.

    In a task of several labels a clip the classes of a clip stand in the column label with ";"
    between them; columns negative and unknown may say what it is not, and what is not known of it.
    Of none of them is a clip with an empty label and "label" in the column answer. With --table
    each is a row of its own.
    """
    if recording and table is None:
        raise CommandError("--recording goes with --table")
    if events and table is None:
        raise CommandError("--events goes with --table")
    with client(server) as learner:
        task = learner.get_task(task_id)
        if table is None:
            given = _read(file, encoding, on_conflict, task.label_mode)
        else:
            windows = pool_windows(learner, task.pool_id)
            given = read_window_labels(
                file,
                table,
                windows,
                recording=recording,
                encoding=encoding,
                on_conflict=on_conflict,
                label_mode=task.label_mode,
                are_events=events,
            )
        if not given.labels:
            raise CommandError(f"{file} holds no labels")
        result = _import(learner, task_id, given, replace=replace)
    if json:
        print_json(result)
    else:
        replaced = f", {result.replaced_count:,} of them over another answer"
        notes.print(
            f"{result.changed_count:,} of {counted(len(given.labels), 'label')}"
            f" {'was' if result.changed_count == 1 else 'were'} new or changed"
            f"{replaced if result.replaced_count else ''}"
        )
    _tell_divided(result.divided_recordings)


def _tell_divided(recordings: Sequence[str]) -> None:
    if recordings:
        more = f" and {len(recordings) - _SHOWN:,} more" if len(recordings) > _SHOWN else ""
        tell(
            f"windows of {', '.join(recordings[:_SHOWN])}{more} are both in train and in validation"
            " or test: neighbours sound alike, so that scores are better than on other recordings"
        )


def _read(
    file: Path, encoding: str | None, on_conflict: OnConflict, label_mode: LabelMode
) -> LabelFile:
    with progress() as bar:
        row = bar.add_task("reading", total=None)
        return read_labels(
            file,
            encoding=encoding,
            on_conflict=on_conflict,
            label_mode=label_mode,
            on_progress=lambda count: bar.update(row, completed=count),
        )


def _import(
    learner: LearnerClient, task_id: str, given: LabelFile, *, replace: bool
) -> ImportLabelsResult:
    stored_count = 0
    with progress() as bar:
        row = bar.add_task("checking", total=len(given.labels))

        def advance(step: str, count: int) -> None:
            nonlocal stored_count
            stored_count = count if step == "storing" else 0
            bar.update(row, description=step, completed=count)

        try:
            return learner.import_labels(
                task_id, given.labels, replace=replace, on_progress=advance, timeout=_PATIENCE
            )
        except (AloeError, KeyboardInterrupt) as error:
            if stored_count or isinstance(error, KeyboardInterrupt):
                complain(
                    f"{stored_count:,} of {counted(len(given.labels), 'label')} are stored, or some"
                    " thousand more; run it again to store the rest: what is there is left as it is"
                )
            elif isinstance(error, AlreadyExists | InvalidArgument):
                raise CommandError(_tell(error, given)) from error
            raise


def _tell(error: AloeError, given: LabelFile) -> str:
    """Complain of labels by their lines; return what it comes to."""
    blamed = 0
    for violation in error.violations:
        place = _PLACE.match(violation.field)
        if place and int(place[1]) < len(given.labels):
            blamed += 1
            where = given.where(int(place[1]))
            complain(f"{given.file}, {where}: {in_words(_by_lines(violation.description, given))}")
    if not blamed:
        return str(error)
    more = error.violation_count - blamed
    remedy = "; --replace stores them anyway" if isinstance(error, AlreadyExists) else ""
    return (
        f"{error.violation_count:,} of {counted(len(given.labels), 'label')}"
        f" {are(error.violation_count)} refused"
        f"{f', {more:,} of them not shown' if more > 0 else ''}; nothing was stored{remedy}"
    )


def _by_lines(text: str, given: LabelFile) -> str:
    return _PLACE.sub(lambda place: given.where(int(place[1])), text)
