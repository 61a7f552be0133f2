"""Sound events: the predictions for a recording's windows as a timeline, in the tables of tools."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.console import CommandError, notes
from aloe.cli.exports import opened
from aloe.cli.options import parse_seconds, split_list
from aloe.cli.prediction_tables import check_folder, whole
from aloe.client.types import Float32Array
from aloe.windows import (
    EventRule,
    TableFormat,
    Window,
    WindowFaults,
    timeline,
    windows_text,
    windows_to_parquet,
)
from aloe.windows.textgrid import TIER

On = Annotated[
    float | None,
    typer.Option(help="an event begins where its class is at least so probable; 0.5 if not given"),
]
Off = Annotated[
    float | None,
    typer.Option(help="it ends where its class is less probable; as --on if not given"),
]
MinEvent = Annotated[str, typer.Option(metavar="TIME", help="leave out shorter events")]
MaxGap = Annotated[str, typer.Option(metavar="TIME", help="join events of a class that are nearer")]
OfClasses = Annotated[
    str, typer.Option("--classes", help="events of these alone, separated by commas")
]
Events = Annotated[
    bool, typer.Option("--events", help="merge windows into events of each class, a timeline")
]

_ENDINGS = {
    ".selections.txt": TableFormat.RAVEN,
    ".txt": TableFormat.AUDACITY,
    ".textgrid": TableFormat.TEXTGRID,
    ".csv": TableFormat.CSV,
    ".jsonl": TableFormat.JSON_LINES,
    ".parquet": TableFormat.PARQUET,
}
_OF_ONE_RECORDING = {
    TableFormat.RAVEN: ".selections.txt",
    TableFormat.AUDACITY: ".txt",
    TableFormat.TEXTGRID: ".TextGrid",
}
"""Formats that have a file for each recording, and how it ends."""
_WITHOUT_PROBABILITY = TableFormat.AUDACITY, TableFormat.TEXTGRID
TO_HELP = (
    "file to write, by its ending: .csv, .jsonl, .parquet; of recordings that --window cuts also"
    " .selections.txt (Raven), .txt (Audacity), .TextGrid, of several recordings the folder for"
    " these with --table; else CSV, or JSON lines with --json, on standard output"
)
Table = Annotated[
    TableFormat | None, typer.Option(help="format of the events, where --to does not say it")
]


def _format_of(to: Path | None, table: TableFormat | None, *, json: bool) -> TableFormat:
    """Return the format of a table of events. Raises CommandError where the ending is of none."""
    if table is not None:
        return table
    if to is None:
        return TableFormat.JSON_LINES if json else TableFormat.CSV
    for ending, its_format in _ENDINGS.items():
        if to.name.lower().endswith(ending):
            return its_format
    raise CommandError(f"{to}: there are {', '.join(_ENDINGS)}; or say which --table it is to be")


def _is_for_events(to: Path | None, table: TableFormat | None) -> bool:
    """Whether a table can hold events alone, and no row of each window."""
    return table is not None or (
        to is not None and _format_of(to, None, json=False) in _OF_ONE_RECORDING
    )


def _rule_of(on: float | None, off: float | None, min_event: str, max_gap: str) -> EventRule:
    """Read what makes an event. Raises CommandError or BadParameter."""
    begins = 0.5 if on is None else on
    ends = begins if off is None else off
    if not 0 < ends <= begins <= 1:
        raise CommandError(f"--on {begins:g} --off {ends:g}: 0 < off <= on <= 1 must hold")
    duration_s = parse_seconds(min_event or "0", "--min-event")
    gap_s = parse_seconds(max_gap or "0", "--max-gap")
    if min(duration_s, gap_s) < 0:
        raise CommandError("--min-event and --max-gap are times of 0 or more")
    return EventRule(begins, ends, float(duration_s), float(gap_s))


@dataclass(slots=True)
class EventTables:
    """Events of recordings, written where they were asked for."""

    to: Path | None
    format: TableFormat
    rule: EventRule
    classes: str
    """The only ones of interest, separated by commas; empty for all."""
    count: int = 0
    _kept: list[Window] = field(default_factory=list)

    def check(self, recording_count: int) -> None:
        """Raise CommandError where the tables could not be written."""
        if self.to is None:
            if self.format is TableFormat.PARQUET:
                raise CommandError("Parquet is no text: give --to FILE.parquet")
            if recording_count > 1 and self.format in _OF_ONE_RECORDING:
                raise CommandError("of several recordings: give --to FOLDER")
        elif recording_count > 1 and self.format in _OF_ONE_RECORDING:
            if not self.to.is_dir():
                raise CommandError(
                    f"{self.to} is no folder: {self.format.value} has a file for each of the"
                    f" {recording_count:,} recordings"
                )
        else:
            check_folder(self.to)

    def add(
        self,
        recording: str,
        spans_s: Float32Array,
        probabilities: Float32Array,
        classes: Sequence[str],
        *,
        length_s: float,
        sample_rate_hz: int,
    ) -> None:
        """Write the events of a recording, or keep them until `finish`.

        Args:
            recording: its path.
            spans_s: (n_windows, 2) float64, begin and end of each window in seconds.
            probabilities: (n_windows, n_classes).
            classes: their names.
            length_s: of the recording.
            sample_rate_hz: its rate.

        Raises:
            CommandError: the format cannot hold them, or there is no such class.
        """
        wanted = self._wanted(classes)
        found = timeline(spans_s[:, 0], spans_s[:, 1], probabilities, self.rule, length_s=length_s)
        windows = [each.window(recording, classes) for each in found if each.class_index in wanted]
        self.count += len(windows)
        if self.format not in _OF_ONE_RECORDING:
            self._kept += windows
            return
        try:
            text = windows_text(
                [self._as_held(each) for each in windows],
                self.format,
                lengths={recording: length_s},
                sample_rate_hz=sample_rate_hz,
            )
        except WindowFaults as faults:
            raise CommandError(f"{recording}: {faults}") from faults
        with opened(self._file_of(recording)) as file:
            file.write(text)

    def finish(self) -> None:
        """Write what was kept. Raises CommandError where the format cannot hold it."""
        if self.format in _OF_ONE_RECORDING:
            if self.format in _WITHOUT_PROBABILITY:
                notes.print(f"{self.format.value} tables hold no probabilities: these are left out")
            return
        try:
            if self.to is not None and self.format is TableFormat.PARQUET:
                with whole(self.to) as partial:
                    windows_to_parquet(self._kept, partial)
                return
            text = windows_text(self._kept, self.format)
        except WindowFaults as faults:
            raise CommandError(str(faults)) from faults
        with opened(self.to) as file:
            file.write(text)

    def _wanted(self, classes: Sequence[str]) -> set[int]:
        names = split_list(self.classes) or list(classes)
        unknown = [name for name in names if name not in classes]
        if unknown:
            raise CommandError(
                f"--classes {', '.join(unknown)}: the task's classes are {', '.join(classes)}"
            )
        return {classes.index(name) for name in names}

    def _as_held(self, window: Window) -> Window:
        """Return a window without what its format has no place for."""
        if self.format not in _WITHOUT_PROBABILITY:
            return window
        # Events of different classes may overlap: each class has a tier.
        more = {TIER: window.label or ""} if self.format is TableFormat.TEXTGRID else {}
        return replace(window, probability=None, more=more)

    def _file_of(self, recording: str) -> Path | None:
        if self.to is None or not self.to.is_dir():
            return self.to
        return self.to / f"{Path(recording).stem}{_OF_ONE_RECORDING[self.format]}"


def asked_events(
    to: Path | None,
    table: TableFormat | None,
    *,
    events: bool,
    on: float | None,
    off: float | None,
    min_event: str,
    max_gap: str,
    classes: str,
    json: bool,
) -> EventTables | None:
    """Return what writes events; None where rows of windows are wanted. Raises CommandError."""
    if events or _is_for_events(to, table):
        rule = _rule_of(on, off, min_event, max_gap)
        return EventTables(to, _format_of(to, table, json=json), rule, classes)
    if on is not None or off is not None or min_event or max_gap or classes:
        raise CommandError("--on, --off, --min-event, --max-gap and --classes go with --events")
    return None
