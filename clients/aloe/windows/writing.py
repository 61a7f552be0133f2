"""Writing windows in the formats that other programs read; what one cannot hold is refused."""

from collections.abc import Sequence
from pathlib import Path

from aloe.windows.audacity import audacity_text
from aloe.windows.checks import Found, Lengths, check
from aloe.windows.formats import HOLDS, TableFormat, unheld
from aloe.windows.own_tables import csv_text, json_text
from aloe.windows.parquet import write_parquet
from aloe.windows.raven import raven_text, unselectable
from aloe.windows.textgrid import textgrid_text, unwritable_tiers
from aloe.windows.window import Window


def windows_text(
    windows: Sequence[Window],
    table_format: TableFormat,
    *,
    lengths: Lengths | None = None,
    sample_rate_hz: float | None = None,
) -> str:
    """Write windows so that `read_windows` reads the same ones.

    In their order; only a TextGrid has one of its own, by tiers and start. Raven, Audacity and
    Praat have a file for each recording: `by_recording` parts windows. The text is to be written
    as UTF-8, line ends as they are.

    Args:
        windows: to write, none of them twice.
        table_format: any but Parquet, which is no text.
        lengths: as for `read_windows`; a TextGrid is as long as its recording, by default as its
            last window.
        sample_rate_hz: of the recording; for Raven, where windows have no frequencies.

    Raises:
        WindowFaults: windows are wrong, or the format cannot hold them; all are told, by their
            places from 1.
        TableError: a TextGrid is to be of no windows.
    """
    _check(windows, table_format, lengths, sample_rate_hz)
    match table_format:
        case TableFormat.CSV:
            return csv_text(windows)
        case TableFormat.JSON_LINES:
            return json_text(windows)
        case TableFormat.RAVEN:
            return raven_text(windows, sample_rate_hz)
        case TableFormat.AUDACITY:
            return audacity_text(windows)
        case TableFormat.TEXTGRID:
            known = lengths or {}
            # Without windows it is as long as any recording may be.
            longest = max((each for each in known.values() if each is not None), default=None)
            return textgrid_text(windows, known.get(windows[0].recording) if windows else longest)
        case TableFormat.PARQUET:
            raise ValueError("Parquet is no text: windows_to_parquet writes it")


def windows_to_parquet(windows: Sequence[Window], file: Path) -> None:
    """Write windows as a Parquet file, with the columns of the CSV.

    Raises:
        WindowFaults: as for `windows_text`.
        TableError: pyarrow is not installed.
    """
    _check(windows, TableFormat.PARQUET, None, None)
    write_parquet(windows, file)


def by_recording(windows: Sequence[Window]) -> dict[str, list[Window]]:
    """Return the windows of each recording, in the order in which these come first."""
    parts: dict[str, list[Window]] = {}
    for window in windows:
        parts.setdefault(window.recording, []).append(window)
    return parts


def _check(
    windows: Sequence[Window],
    table_format: TableFormat,
    lengths: Lengths | None,
    sample_rate_hz: float | None,
) -> None:
    holds = HOLDS[table_format]
    recording = windows[0].recording if windows else ""
    channels = {window.channel for window in windows}
    told: dict[int, list[str]] = {}
    if table_format is TableFormat.TEXTGRID:
        for window, problem in unwritable_tiers(windows):
            told.setdefault(id(window), []).append(problem)

    def problems(window: Window) -> tuple[str, ...]:
        found = [*unheld(window, holds, recording), *told.get(id(window), [])]
        if table_format is TableFormat.RAVEN:
            found += unselectable(window, channels, has_rate=sample_rate_hz is not None)
        return tuple(found)

    check(
        (Found(number, each, problems(each)) for number, each in enumerate(windows, 1)),
        "row ",
        lengths,
    )
