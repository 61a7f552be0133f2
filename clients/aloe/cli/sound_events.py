"""Sound events: the predictions for a recording's windows as a timeline, in the tables of tools."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from aloe.cli.console import CommandError
from aloe.cli.options import parse_seconds, split_list
from aloe.cli.window_tables import WindowTables, is_for_windows, table_format
from aloe.client.types import Float32Array
from aloe.windows import EventRule, TableFormat, timeline
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

TO_HELP = (
    "file to write, by its ending: .csv, .jsonl, .parquet; of events also .selections.txt (Raven),"
    " .txt (Audacity), .TextGrid, or of several recordings the folder for these with --table; else"
    " CSV, or JSON lines with --json, on standard output"
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
    """Writes the events of recordings where they were asked for."""

    tables: WindowTables
    rule: EventRule
    classes: str
    """The only ones of interest, separated by commas; empty for all."""

    def add(
        self,
        recording: str,
        spans_s: NDArray[np.float64],
        probabilities: Float32Array,
        classes: Sequence[str],
        *,
        length_s: float,
        sample_rate_hz: int,
    ) -> None:
        """Find the events of a recording, and write them.

        Args:
            recording: one that the tables were begun with.
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
        if self.tables.format is TableFormat.TEXTGRID:
            # Events of different classes may overlap: each class has a tier.
            windows = [replace(each, more={TIER: each.label or ""}) for each in windows]
        self.tables.add(recording, windows, length_s=length_s, sample_rate_hz=sample_rate_hz)

    def finish(self) -> None:
        """Write what is left. Raises CommandError where the format cannot hold it."""
        self.tables.finish()
        self.tables.tell_what_is_left_out()

    def _wanted(self, classes: Sequence[str]) -> set[int]:
        names = split_list(self.classes) or list(classes)
        unknown = [name for name in names if name not in classes]
        if unknown:
            raise CommandError(
                f"--classes {', '.join(unknown)}: the task's classes are {', '.join(classes)}"
            )
        return {classes.index(name) for name in names}


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
    if events or is_for_windows(to, table):
        rule = _rule_of(on, off, min_event, max_gap)
        return EventTables(WindowTables(to, table_format(to, table, json=json)), rule, classes)
    if on is not None or off is not None or min_event or max_gap or classes:
        raise CommandError("--on, --off, --min-event, --max-gap and --classes go with --events")
    return None
