"""`aloe import` with windows: recordings of any length, cut while they are decoded."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer
from rich.progress import Progress, TaskID

from aloe.cli.console import (
    CommandError,
    complain,
    counted,
    in_words,
    notes,
    progress,
    reason_of,
    tell,
)
from aloe.cli.recording_files import recording_id_of
from aloe.client import (
    AloeError,
    Attributes,
    Cut,
    Decoding,
    LearnerClient,
    RecordingProgress,
    RecordingSummary,
    SegmentCut,
    SoundCut,
)

_SHOWN_FAILURES, _SHOWN_PLACES = 20, 3
_SEGMENT = re.compile(r"(?:header\.segments\.)?segments\[(\d+)\](?:\.(?:start|end))?")
_STEADY = (
    f"nothing in it is {SoundCut().on_db:g} dB louder than its quiet parts, as in steady noise;"
    " --window 5s cuts all of it"
)
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
                reason = error.reason or error.code
                failed.append(Failed(recording_id, reason, _message(error, cuts[path])))
                continue
            except KeyboardInterrupt:
                notes.print("the windows so far stay imported: the same command goes on from there")
                raise
            done.append(summary)
            bar.update(row, completed=summary.recording.decoded.total_seconds())
    return done, failed


def tell_recordings(
    done: Sequence[RecordingSummary], failed: Sequence[Failed], cut_of: Mapping[str, Cut]
) -> None:
    """Say what became of recordings, by what was cut out of each.

    Raises:
        typer.Exit: not all of each was taken.
    """
    for summary in done:
        recording = summary.recording
        notes.print(
            f"{recording.recording_id}: {counted(summary.imported_count, 'window')} imported,"
            f" {summary.existing_count:,} were there, {summary.failed_count:,} failed",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        is_none = not summary.imported_count + summary.existing_count + summary.failed_count
        if is_none and isinstance(cut_of[recording.recording_id], SoundCut):
            tell(f"  {_STEADY}")
        for warning in recording.report.warnings:
            notes.print(f"  {warning.message}", highlight=False, markup=False, soft_wrap=True)
        for failure in summary.failures[:_SHOWN_FAILURES]:
            complain(f"{failure.clip_id}: {reason_of(failure)}")
        if summary.failed_count > _SHOWN_FAILURES:
            complain(f"and {counted(summary.failed_count - _SHOWN_FAILURES, 'more window')} failed")
        if recording.problem:
            complain(
                f"{recording.recording_id}: {recording.problem}; the windows before that are kept."
                " --accept-damaged goes on behind it, as far as that can be decoded"
            )
    for each in failed:
        complain(f"{each.recording_id}: {each.message}")
    if failed or any(each.failed_count or each.recording.problem for each in done):
        raise typer.Exit(1)


def _message(error: AloeError, cut: Cut) -> str:
    """Say why a recording was not taken, with the options and segments that are wrong."""
    fields: dict[str, list[str]] = {}
    for each in error.violations:
        fields.setdefault(each.description, []).append(each.field)
    told = []
    for description, wrong in fields.items():
        more = f" and {len(wrong) - _SHOWN_PLACES:,} more" if len(wrong) > _SHOWN_PLACES else ""
        told.append(f"{', '.join(wrong[:_SHOWN_PLACES])}{more}: {description}")
    return in_words(_with_times("; ".join(told) or str(error), cut))


def _with_times(text: str, cut: Cut) -> str:
    """Return a text with the times of segments in the place of their numbers."""

    def times(found: re.Match[str]) -> str:
        number = int(found[1])
        if not (isinstance(cut, SegmentCut) and number < len(cut.segments)):
            return f"segment {number}"
        start_s, end_s = cut.segments[number]
        return f"the segment from {start_s:g} to {end_s:g} s"

    return _SEGMENT.sub(times, text)


class _Teller:
    """Tells a progress bar how far a recording is, in seconds of it."""

    def __init__(self, bar: Progress, row: TaskID) -> None:
        self._bar, self._row = bar, row

    def __call__(self, told: RecordingProgress) -> None:
        total = told.promised.total_seconds() if told.promised else None
        self._bar.update(self._row, total=total, completed=told.decoded.total_seconds())
