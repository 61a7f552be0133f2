"""`aloe predict`: what a task's head makes of audio files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.clips import tell_warnings
from aloe.cli.console import (
    CommandError,
    accepted_text,
    complain,
    counted,
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
    HopText,
    Json,
    OptionalFiles,
    Server,
    TaskId,
    Where,
    WindowText,
    audio_files,
    client,
    parse_decoding,
    parse_seconds,
    share,
)
from aloe.cli.pool_predictions import predict_pool
from aloe.cli.pool_windows import write_pool_events
from aloe.cli.sound_events import (
    TO_HELP,
    Events,
    EventTables,
    MaxGap,
    MinEvent,
    OfClasses,
    Off,
    On,
    asked_events,
)
from aloe.cli.window_tables import Table
from aloe.client import AudioWarning, Decoding, LearnerClient, Predictions, Recording
from aloe.values.labels import SEPARATOR

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
    labels: tuple[str, ...] | None = None
    """Of several labels a clip: the classes that it is predicted to be of."""


def predict(
    task_id: TaskId,
    paths: OptionalFiles = None,
    of_pool: Annotated[
        bool, typer.Option("--pool", help="predict for all clips of the task's pool instead")
    ] = False,
    window: WindowText = "",
    hop: HopText = "",
    to: Annotated[Path | None, typer.Option(help=TO_HELP)] = None,
    table: Table = None,
    events: Events = False,
    on: On = None,
    off: Off = None,
    min_event: MinEvent = "",
    max_gap: MaxGap = "",
    classes: OfClasses = "",
    channel: Channel = "",
    accept_damaged: AcceptDamaged = False,
    max_error: Annotated[
        float | None,
        typer.Option(
            parser=share,
            metavar="SHARE",
            help="accept the surest predictions, of which at most this part is expected to be"
            " wrong: 0.02, or 2%",
        ),
    ] = None,
    head: AskedHead = "",
    where: Where = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Predict the classes of audio files, of the windows that these are cut into, or of a pool.

    A file that cannot be heard does not stop the others. Tables have what is predicted, its
    probability, and that of each class in a column such as p:cough. Of several labels a clip all
    classes that reach their thresholds are predicted (aloe head card tells these), or none; the
    probability is then that of the likeliest. Rows of windows say where these are, in recording,
    start_s and end_s. With --pool --events the windows that the pool has
    make the timeline, and nothing is heard again.
    """
    _check_what(paths, of_pool=of_pool, window=window, to=to, where=where)
    tables = asked_events(
        to,
        table,
        on=on,
        off=off,
        min_event=min_event,
        max_gap=max_gap,
        classes=classes,
        events=events,
        json=json,
    )
    if hop and not window:
        raise CommandError("--hop goes with --window")
    if tables and not window and not of_pool:
        raise CommandError("events are of recordings: give --window to cut files, or --pool")
    if (window or tables) and max_error is not None:
        raise CommandError("--max-error accepts clips, and no events or windows of other files")
    decoding = parse_decoding(channel, accept_damaged=accept_damaged)
    with client(server) as learner:
        if of_pool and tables:
            write_pool_events(learner, task_id, tables, head=head, where=where)
        elif of_pool:
            predict_pool(
                learner, task_id, to, head=head, max_error=max_error, where=where, json=json
            )
        elif window:
            files = [path for path, _ in audio_files(paths or [])]
            asked = parse_seconds(window, "--window"), parse_seconds(hop, "--hop") if hop else None
            _predict_windows(learner, task_id, files, asked, decoding, head, to, tables, json=json)
        else:
            _predict_files(learner, task_id, paths or [], decoding, max_error, head, json=json)


def _check_what(
    paths: list[Path] | None, *, of_pool: bool, window: str, to: Path | None, where: str
) -> None:
    if of_pool == bool(paths):
        raise CommandError("give audio files to predict for, or --pool, and not both")
    if of_pool and window:
        raise CommandError("--window cuts audio files, clips of a pool are what they are")
    if to and not of_pool and not window:
        raise CommandError("--to goes with --pool or --window")
    if where and not of_pool:
        raise CommandError("--filter goes with --pool")


def _predict_windows(
    learner: LearnerClient,
    task_id: str,
    files: Sequence[Path],
    window_and_hop: tuple[Fraction, Fraction | None],
    decoding: Decoding,
    head: str,
    to: Path | None,
    tables: EventTables | None,
    *,
    json: bool,
) -> None:
    try:  # The client alone does without decoders.
        from aloe.cli import window_predictions
    except ImportError as error:
        raise CommandError(
            f"no {error.name}, which decodes audio: pip install 'aloe-speech[bench]'"
        ) from error
    asked = window_predictions.WindowsAsked(*window_and_hop, decoding, head)
    window_predictions.predict_windows(learner, task_id, files, asked, to, tables, json=json)


def _predict_files(
    learner: LearnerClient,
    task_id: str,
    paths: list[Path],
    decoding: Decoding,
    max_error: float | None,
    head: str,
    *,
    json: bool,
) -> None:
    files = [path for path, _ in audio_files(paths)]
    with progress() as bar:
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
        _print_rows(rows, tells_accepted=max_error is not None)
    versions = sorted({each.head_version for each in rows if each.head_version})
    if versions:  # Several, where a newer one came meanwhile.
        which = f"head{'s' * (len(versions) > 1)} {', '.join(map(str, versions))}"
        notes.print(f"{which} on {counted(len(files) - len(found.failures), 'file')}")
    if found.accepted is not None:
        notes.print(accepted_text(sum(found.accepted), "predictions", found.expected_error))
    tell_warnings((each.name, each.warnings) for each in found.warnings)
    for each in rows:
        if each.error is not None:
            complain(f"{each.path}: {each.error}")
    if found.failures:
        complain(
            f"{len(found.failures):,} of {counted(len(files), 'file')}"
            f" {'has' if len(found.failures) == 1 else 'have'} no prediction"
        )
        raise typer.Exit(1)


def _print_rows(rows: Sequence[FilePrediction], *, tells_accepted: bool) -> None:
    print_table(
        ["file", "class", "probability", *(["accepted"] if tells_accepted else [])],
        [
            [each.path, *_said(each)]
            + (["yes" if each.accepted else "no"] if tells_accepted else [])
            for each in rows
            if each.label is not None and each.probabilities is not None
        ],
    )


def _labels(found: Predictions, place: int) -> tuple[str, ...] | None:
    labels = found.label_sets[place] if found.label_sets else None
    return labels.positive if labels else None


def _said(each: FilePrediction) -> tuple[str, str]:
    """Return what a file is predicted to be, with the probability of each class."""
    probabilities = each.probabilities or {}
    names = [each.label or ""] if each.labels is None else each.labels
    return SEPARATOR.join(names), SEPARATOR.join(percent(probabilities[name]) for name in names)


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
                labels=_labels(found, place),
            )
