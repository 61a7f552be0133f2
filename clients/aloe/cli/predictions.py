"""`aloe predict`: what a task's head makes of audio files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.clips import tell_warnings
from aloe.cli.console import (
    CommandError,
    complain,
    notes,
    percent,
    print_json,
    print_table,
    progress,
    reason_of,
)
from aloe.cli.options import (
    DEFAULT_SERVER,
    AcceptDamaged,
    AskedHead,
    Channel,
    Json,
    OptionalFiles,
    Server,
    TaskId,
    Where,
    audio_files,
    client,
    parse_decoding,
)
from aloe.cli.pool_predictions import predict_pool
from aloe.client import AudioWarning, Predictions, Recording

_PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class FilePrediction:
    """What a head makes of a file, or why it makes nothing of it."""

    path: str
    label: str | None = None
    probabilities: dict[str, float] | None = None
    head_version: int | None = None
    reason: str | None = None
    error: str | None = None
    warnings: tuple[AudioWarning, ...] = ()
    accepted: bool | None = None
    """None where it was not asked what to accept."""


def predict(
    task_id: TaskId,
    paths: OptionalFiles = None,
    of_pool: Annotated[
        bool, typer.Option("--pool", help="predict for all clips of the task's pool instead")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            help="with --pool: file to write, by its ending .csv, .jsonl or .parquet; else CSV, or"
            " JSON lines with --json, on standard output"
        ),
    ] = None,
    channel: Channel = "",
    accept_damaged: AcceptDamaged = False,
    max_error: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="accept the surest predictions, of which at most this part is expected to be"
            " wrong, such as 0.02",
        ),
    ] = None,
    head: AskedHead = "",
    where: Where = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Predict the classes of audio files; one that cannot be heard does not stop the others."""
    if of_pool == bool(paths):
        raise CommandError("give audio files to predict for, or --pool, and not both")
    if (to or where) and not of_pool:
        raise CommandError("--to and --filter go with --pool")
    if of_pool:
        with client(server) as learner:
            predict_pool(
                learner, task_id, to, head=head, max_error=max_error, where=where, json=json
            )
        return
    decoding = parse_decoding(channel, accept_damaged=accept_damaged)
    files = [path for path, _ in audio_files(paths or [])]
    with client(server) as learner, progress() as bar:
        learner.get_task(task_id)
        row = bar.add_task("predicting", total=len(files))
        found = learner.predict(
            task_id,
            audio=[Recording(path, decoding) for path in files],
            head=head,
            max_expected_error=max_error,
            on_progress=lambda count: bar.update(row, completed=count),
            timeout=_PATIENCE,
        )
    rows = list(_rows(files, found))
    if json:
        print_json(rows)
    else:
        asked = [] if max_error is None else ["accepted"]
        print_table(
            ["file", "class", "probability", *asked],
            [
                [each.path, each.label, percent(each.probabilities[each.label])]
                + (["yes" if each.accepted else "no"] if asked else [])
                for each in rows
                if each.label is not None and each.probabilities is not None
            ],
        )
    if found.accepted is not None:
        notes.print(
            f"{sum(found.accepted):,} of {len(files):,} files are accepted; of these"
            f" {percent(found.expected_error)} are expected to be wrong"
        )
    tell_warnings((each.name, each.warnings) for each in found.warnings)
    for each in rows:
        if each.error is not None:
            complain(f"{each.path}: {each.error}")
    if found.failures:
        complain(f"{len(found.failures):,} of {len(files):,} files have no prediction")
        raise typer.Exit(1)


def _rows(files: Sequence[Path], found: Predictions) -> Iterator[FilePrediction]:
    failures = {failure.index: failure for failure in found.failures}
    warnings = {each.index: each.warnings for each in found.warnings}
    for place, path in enumerate(files):
        failure = failures.get(place)
        if failure is not None:
            yield FilePrediction(str(path), reason=failure.reason, error=reason_of(failure))
        else:
            probabilities = found.probabilities[place].tolist()
            yield FilePrediction(
                str(path),
                found.labels[place],
                dict(zip(found.classes, probabilities, strict=True)),
                found.head_versions[place],
                warnings=warnings.get(place, ()),
                accepted=None if found.accepted is None else found.accepted[place],
            )
