"""Selection tables of Raven: tabs, a first line of columns, quotes that are letters.

A sound of several files has one time axis over all of them, `Begin Time (s)`; where in its own file
a selection begins says `File Offset (s)`. A selection stands there once for each view that it is
seen in. In the view of a waveform, its frequencies are those of the recording: it has none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from aloe.tables import Row, TableError, number_text, read_table
from aloe.windows.cells import CellReader, Columns
from aloe.windows.checks import Found
from aloe.windows.source import Source
from aloe.windows.window import Window

_COLUMNS = Columns(
    recording="Begin Path",
    start="Begin Time (s)",
    end="End Time (s)",
    label="Annotation",
    channel="Channel",
    low="Low Freq (Hz)",
    high="High Freq (Hz)",
    probability="Probability",
)
START = _COLUMNS.start
"""The column by which such a table is known."""
_SELECTION, _VIEW, _OFFSET = "Selection", "View", "File Offset (s)"
_FILE, _END_FILE = "Begin File", "End File"
_OTHERS = (_SELECTION, _VIEW, _OFFSET, _FILE, _END_FILE)
_LABELS = (_COLUMNS.label, "Label", "Species", "Common Name", "Species Code", "Type", "Tag")
"""Where labels may stand, the likeliest first; Raven leaves it to people."""
NAMES = frozenset({*_COLUMNS.names, *_OTHERS})
"""What a further column may not be called."""
_SPECTROGRAM, _WAVEFORM = "Spectrogram 1", "Waveform 1"
_WAVEFORMS = "Waveform "
_DIGITS = 9
"""Behind the decimal point, as Raven writes times: sums of them are no more exact."""


def read_raven(source: Source, notes: list[str]) -> Iterator[Found]:
    """Read a selection table.

    Args:
        source: the table.
        notes: gets what its reader should know.

    Raises:
        TableError: it cannot be read; the message names the line.
    """
    required = [_COLUMNS.start, _COLUMNS.end]
    if source.label_column:
        required.append(source.label_column)
    rows = list(read_table(source.file, required, encoding=source.encoding, quoted_tabs=False))
    if not rows:
        return
    columns = _columns(rows[0], source)
    _check_recordings(rows, columns, source)
    reader = CellReader(columns, source.recording, {*_OTHERS, _COLUMNS.recording})
    rows = _one_view_each(rows, notes)
    found = [_in_its_file(row, reader.read(row), reader) for row in rows]
    channels = {each.window.channel for each in found if each.window}
    has_channels = not channels <= {None, 1}
    if 1 in channels and not has_channels:
        notes.append(f"no {_COLUMNS.channel} but 1: read as if none were chosen")
    for row, each in zip(rows, found, strict=True):
        yield _with_what_is_said(row, each, has_channels=has_channels)


def raven_text(windows: Sequence[Window], sample_rate_hz: float | None) -> str:
    """Write the windows of one recording as `read_raven` reads them.

    Args:
        windows: of which `unselectable` finds none.
        sample_rate_hz: of the recording; what has no frequencies reaches up to half of it.
    """
    more = list({name: None for window in windows for name in window.more})
    has_probability = any(window.probability is not None for window in windows)
    header = [
        *(_SELECTION, _VIEW, _COLUMNS.channel, _COLUMNS.start, _COLUMNS.end),
        *(_COLUMNS.low, _COLUMNS.high, _COLUMNS.recording, _OFFSET, _COLUMNS.label),
        *([_COLUMNS.probability] if has_probability else []),
        *more,
    ]
    lines = [header]
    for number, window in enumerate(windows, 1):
        is_bare = window.low_hz is None
        lines.append(
            [
                str(number),
                _WAVEFORM if is_bare else _SPECTROGRAM,
                str(window.channel or 1),
                number_text(window.start_s),
                number_text(window.end_s),
                _number(0.0 if is_bare else window.low_hz),
                _number((sample_rate_hz or 0.0) / 2 if is_bare else window.high_hz),
                window.recording,
                number_text(window.start_s),
                window.label or "",
                *([_number(window.probability)] if has_probability else []),
                *(window.more.get(name, "") for name in more),
            ]
        )
    return "".join("\t".join(line) + "\n" for line in lines)


def unselectable(window: Window, channels: set[int | None], *, has_rate: bool) -> Iterator[str]:
    """Yield why a window cannot be a selection.

    Args:
        window: one of a table.
        channels: of all of its windows.
        has_rate: whether the recording's sample rate is given.
    """
    if (window.low_hz is None) != (window.high_hz is None):
        yield "it has one frequency, and selections of Raven have both; give both, or none"
    elif window.low_hz is None and not has_rate:
        yield (
            "it has no frequencies, and selections of Raven have them; give them, or the"
            " recording's sample rate"
        )
    if None in channels and window.channel is not None:
        yield f"it has channel {window.channel}, and others none; give all one, or none"
    if channels == {1}:
        yield "it has channel 1, as all have: to Raven that is none in particular; leave it out"


def _number(value: float | None) -> str:
    return "" if value is None else number_text(value)


def _columns(row: Row, source: Source) -> Columns:
    """Return what the columns of this table are called."""
    labels = [name for name in (source.label_column, *_LABELS) if name and name in row.cells]
    has_path = _COLUMNS.recording in row.cells
    return replace(
        _COLUMNS,
        recording=_COLUMNS.recording if has_path or _FILE not in row.cells else _FILE,
        label=labels[0] if labels else _COLUMNS.label,
    )


def _check_recordings(rows: Sequence[Row], columns: Columns, source: Source) -> None:
    if not source.recording and columns.recording not in rows[0].cells:
        raise TableError(
            f"{source.file}, line 1: no column {_COLUMNS.recording!r} or {_FILE!r} names a"
            " recording; say which it is about"
        )
    recordings = {row.cells.get(columns.recording, "") for row in rows}
    if len(recordings) > 1 and _OFFSET not in rows[0].cells:
        raise TableError(
            f"{source.file}, line 1: selections of {len(recordings)} recordings, and no column"
            f" {_OFFSET!r} says where in them they begin; add that measurement in Raven"
        )


def _one_view_each(rows: Sequence[Row], notes: list[str]) -> list[Row]:
    """Keep one view of each selection, one with frequencies if there is such a one."""
    best: dict[tuple[str, ...], str] = {}
    for row in rows:
        view = row.cells.get(_VIEW, "")
        if best.setdefault(_selection_of(row), view).startswith(_WAVEFORMS):
            best[_selection_of(row)] = view
    kept = [row for row in rows if row.cells.get(_VIEW, "") == best[_selection_of(row)]]
    if len(kept) < len(rows):
        notes.append(f"{len(rows) - len(kept)} rows are other views of selections read once")
    return kept


def _selection_of(row: Row) -> tuple[str, ...]:
    names = (_SELECTION, _COLUMNS.channel, _COLUMNS.start, _COLUMNS.end, _COLUMNS.recording, _FILE)
    return tuple(row.cells.get(name, "") for name in names)


def _in_its_file(row: Row, found: Found, reader: CellReader) -> Found:
    """Put a window on the time axis of its own file."""
    problems = [*found.problems]
    offset_s = reader.number(row, _OFFSET, problems, form="seconds")
    end_file = row.cells.get(_END_FILE, "")
    if end_file and end_file != row.cells.get(_FILE, end_file):
        problems.append(f"it ends in another file, {end_file!r}; make one selection of each")
    window = found.window
    if window is not None and offset_s is not None and offset_s != window.start_s:
        end_s = round(offset_s + window.end_s - window.start_s, _DIGITS)
        window = replace(window, start_s=offset_s, end_s=end_s)
    return Found(found.number, window, tuple(problems))


def _with_what_is_said(row: Row, found: Found, *, has_channels: bool) -> Found:
    """Take off the channel and the frequencies that every selection has."""
    window = found.window
    if window is None:
        return found
    if not has_channels:
        window = replace(window, channel=None)
    if row.cells.get(_VIEW, "").startswith(_WAVEFORMS):
        window = replace(window, low_hz=None, high_hz=None)
    return replace(found, window=window)
