"""Labels of windows of recordings, from the tables of Raven, Audacity, Praat and our own."""

from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

from aloe.cli.console import CommandError, are, complain, counted, tell
from aloe.cli.known_labels import LabelFile, OnConflict
from aloe.cli.path_ends import PathEnds, told_apart
from aloe.cli.pool_windows import PoolWindows
from aloe.client import KnownLabel, LabelMode, LabelSet
from aloe.tables import TableError
from aloe.windows import Source, TableFormat, Window, WindowFaults, WindowTable, read_windows

_TICKS_PER_S = 1_000
"""Tables may round times: those of a window are the same to a millisecond."""
_MOST_TOLD = 10

_ROUNDING_S = 0.5 / _TICKS_PER_S

_Place = tuple[str, int, int]
_Find = Callable[[str, Window], list[str] | None]
"""The clips that a row of a recording is about; None where there is no such recording or window."""


def read_window_labels(
    file: Path,
    table_format: TableFormat,
    windows: PoolWindows,
    *,
    recording: str,
    encoding: str | None,
    on_conflict: OnConflict,
    label_mode: LabelMode = LabelMode.SINGLE,
    are_events: bool = False,
) -> LabelFile:
    """Read a table of labeled windows, each of which is a clip of a pool.

    Args:
        file: the table.
        table_format: its format.
        windows: of the pool.
        recording: what the table is about, where it does not say so.
        encoding: of the file; by default what it seems to be.
        on_conflict: which of several different labels of a window counts.
        label_mode: of several labels a clip all of its rows count.
        are_events: rows may last for any time; windows get the label of that which they have their
            middle in.

    Raises:
        CommandError: it cannot be read, or has windows that are not in the pool; all are told.
    """
    try:
        table = read_windows(Source(file, recording, encoding), table_format)
    except (TableError, WindowFaults) as error:
        raise CommandError(str(error)) from error
    for note in table.notes:
        tell(note)
    take = _take if label_mode is LabelMode.SINGLE else _join
    find = _in_events(windows) if are_events else _exactly(windows)
    return _labels(table, find, _Recordings(windows), on_conflict, take)


class _Recordings:
    """The recordings of a pool, by what tables may call them."""

    def __init__(self, windows: PoolWindows) -> None:
        self._windows = windows
        self._by_path = PathEnds(
            (each, {windows.path(each), recording.uri} - {""})
            for each, recording in windows.recordings.items()
        )

    def find(self, said: str) -> list[str]:
        """Return those that may be meant; an id is nobody else's, whatever files are called."""
        return [said] if said in self._windows.recordings else self._by_path.find(said)

    def problem(self, window: Window) -> str:
        """Say why a window is none of the pool."""
        found = self.find(window.recording)
        if not found:
            return f"the pool has no recording {window.recording!r}"
        if len(found) > 1:
            names = (f"{self._windows.path(each)} (id {each})" for each in found)
            return f"several recordings are called {window.recording!r}; {told_apart(names)}"
        return (
            f"no window of {window.recording} lasts from {window.start_s:g} to {window.end_s:g} s"
            " in the pool"
        )


def _labels(
    table: WindowTable,
    find: _Find,
    recordings: _Recordings,
    on_conflict: OnConflict,
    take: Callable[[LabelFile, int, KnownLabel, int, OnConflict], list[str]],
) -> LabelFile:
    found = LabelFile(table.file)
    places: dict[str, int] = {}
    problems: list[str] = []
    unlabeled = 0
    idle: list[int] = []
    for window, line in zip(table.windows, table.numbers, strict=True):
        named = recordings.find(window.recording)
        clip_ids = find(named[0], window) if len(named) == 1 else None
        if clip_ids is None:
            problems.append(f"line {line}: {recordings.problem(window)}")
        elif window.label is None:
            unlabeled += 1
        else:
            idle += [line] * (not clip_ids)
            for clip_id in clip_ids:
                place = places.setdefault(clip_id, len(found.labels))
                label = KnownLabel(clip_id, window.label)
                problems += take(found, place, label, line, on_conflict)
    if unlabeled:
        tell(f"{table.file}: left out: {counted(unlabeled, 'window')} without a label")
    if idle:
        lines = ", ".join(str(line) for line in idle[:_MOST_TOLD])
        more = f" and {len(idle) - _MOST_TOLD:,} more" if len(idle) > _MOST_TOLD else ""
        tell(
            f"{table.file}: no window of the pool has its middle in line{'s'[: len(idle) > 1]}"
            f" {lines}{more}: left out; make such events longer"
        )
    if problems:
        for problem in problems[:_MOST_TOLD]:
            complain(f"{table.file}, {problem}")
        raise CommandError(
            f"{len(problems):,} of {counted(len(table.windows), 'row')} {are(len(problems))}"
            " refused; nothing was stored. Of windows that lie in longer or shorter events:"
            " --events; windows that are missing:"
            f" aloe import POOL RECORDING --segments {table.file}"
        )
    return found


def _take(
    found: LabelFile, place: int, label: KnownLabel, line: int, on_conflict: OnConflict
) -> list[str]:
    """Take a label in; return what is wrong with it beside an earlier one of its window."""
    if place == len(found.labels):
        found.labels.append(label)
        found.numbers.append(line)
        return []
    first = found.labels[place].label
    if first != label.label and on_conflict is OnConflict.REFUSE:
        return [
            (
                f"line {line}: {label.label!r}, and {first!r} at {found.where(place)}; choose by"
                " --on-conflict first or last"
            )
        ]
    if on_conflict is OnConflict.LAST:
        found.labels[place], found.numbers[place] = label, line
    return []


def _join(found: LabelFile, place: int, label: KnownLabel, line: int, _: OnConflict) -> list[str]:
    """Take a label in beside the others of its window."""
    said = LabelSet((str(label.label),))
    if place == len(found.labels):
        found.labels.append(KnownLabel(label.clip_id, said))
        found.numbers.append(line)
        return []
    others = found.labels[place].label
    if isinstance(others, LabelSet) and label.label not in others.positive:
        joined = LabelSet((*others.positive, *said.positive))
        found.labels[place] = KnownLabel(label.clip_id, joined)
    return []


def _exactly(windows: PoolWindows) -> _Find:
    """Find the window that lasts as long as a row does."""
    clips = {
        (recording_id, round(start_s * _TICKS_PER_S), round(end_s * _TICKS_PER_S)): clip_id
        for clip_id, (recording_id, start_s, end_s) in windows.places.items()
    }

    def find(recording_id: str, window: Window) -> list[str] | None:
        clip_id = clips.get(_place(recording_id, window))
        return None if clip_id is None else [clip_id]

    return find


def _in_events(windows: PoolWindows) -> _Find:
    """Find the windows whose middle a row holds; of neighbouring events one alone does."""
    middles: dict[str, list[tuple[float, str]]] = {each: [] for each in windows.recordings}
    for clip_id, (recording_id, start_s, end_s) in windows.places.items():
        middles[recording_id].append(((start_s + end_s) / 2, clip_id))
    for each in middles.values():
        each.sort()

    def find(recording_id: str, window: Window) -> list[str] | None:
        if recording_id not in middles:
            return None
        near = middles[recording_id]
        first, last = (
            bisect_left(near, (time_s - _ROUNDING_S,)) for time_s in (window.start_s, window.end_s)
        )
        return [clip_id for _, clip_id in near[first:last]]

    return find


def _place(recording_id: str, window: Window) -> _Place:
    start, end = (round(time_s * _TICKS_PER_S) for time_s in (window.start_s, window.end_s))
    return recording_id, start, end
