"""`aloe import` with windows: recordings of any length, cut while they are decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer
from rich.progress import Progress, TaskID

from aloe.cli.console import CommandError, complain, notes, progress, reason_of
from aloe.cli.recording_files import recording_id_of
from aloe.client import (
    AloeError,
    Attributes,
    Cut,
    Decoding,
    LearnerClient,
    RecordingProgress,
    RecordingSummary,
)

_SHOWN_FAILURES = 20
RECORDING_PATIENCE = timedelta(minutes=2)
"""How long a service may be away."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A recording that was not taken."""

    recording_id: str
    reason: str
    message: str


def recording_ids(files: Sequence[tuple[Path, str]], id_prefix: str) -> dict[str, Path]:
    """Give every file the id of its recording. Raises CommandError where two would have one."""
    by_id: dict[str, Path] = {}
    for path, relative in files:
        recording_id = recording_id_of(id_prefix + relative)
        other = by_id.setdefault(recording_id, path)
        if other.resolve() != path.resolve():
            raise CommandError(f"{other} and {path} would both be the recording {recording_id}")
    return by_id


def import_recordings(
    learner: LearnerClient,
    pool_id: str,
    recordings: Mapping[str, Path],
    cuts: Mapping[Path, Cut],
    known: Mapping[str, Attributes],
    decoding: Decoding,
) -> tuple[list[RecordingSummary], list[Failed]]:
    """Import recordings one after the other; one that fails does not stop the others."""
    done: list[RecordingSummary] = []
    failed: list[Failed] = []
    with progress() as bar:
        for recording_id, path in recordings.items():
            if path not in cuts:
                continue
            row = bar.add_task(recording_id, total=None)
            try:
                summary = learner.import_recording(
                    pool_id,
                    recording_id,
                    path,
                    cuts[path],
                    decoding=decoding,
                    attributes=known.get(recording_id, {}),
                    on_progress=_Teller(bar, row),
                )
            except AloeError as error:
                failed.append(Failed(recording_id, error.reason or error.code, str(error)))
                continue
            except KeyboardInterrupt:
                notes.print("the windows so far stay imported: the same command goes on from there")
                raise
            done.append(summary)
            bar.update(row, completed=summary.recording.decoded.total_seconds())
    return done, failed


def tell_recordings(done: Sequence[RecordingSummary], failed: Sequence[Failed]) -> None:
    """Say what became of recordings. Raises typer.Exit unless all of each was taken."""
    for summary in done:
        recording = summary.recording
        notes.print(
            f"{recording.recording_id}: {summary.imported_count:,} windows imported,"
            f" {summary.existing_count:,} were there, {summary.failed_count:,} failed",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        for warning in recording.report.warnings:
            notes.print(f"  {warning.message}", highlight=False, markup=False, soft_wrap=True)
        for failure in summary.failures[:_SHOWN_FAILURES]:
            complain(f"{failure.clip_id}: {reason_of(failure)}")
        if summary.failed_count > _SHOWN_FAILURES:
            complain(f"and {summary.failed_count - _SHOWN_FAILURES:,} more windows failed")
        if recording.problem:
            complain(
                f"{recording.recording_id}: {recording.problem}; the windows before that are kept."
                " --accept-damaged goes on behind it, as far as that can be decoded"
            )
    for each in failed:
        complain(f"{each.recording_id}: {each.message}")
    if failed or any(each.failed_count or each.recording.problem for each in done):
        raise typer.Exit(1)


class _Teller:
    """Tells a progress bar how far a recording is, in seconds of it."""

    def __init__(self, bar: Progress, row: TaskID) -> None:
        self._bar, self._row = bar, row

    def __call__(self, told: RecordingProgress) -> None:
        total = told.promised.total_seconds() if told.promised else None
        self._bar.update(self._row, total=total, completed=told.decoded.total_seconds())
