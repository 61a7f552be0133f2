"""Files of recordings to import, and what is to be cut out of each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from aloe.bench.datasets.recording import clip_id_of
from aloe.cli.console import CommandError, tell
from aloe.cli.options import parse_seconds
from aloe.cli.path_ends import PathEnds, told_apart
from aloe.client import Cut, GridCut, LastWindow, SegmentCut, SoundCut
from aloe.tables import TableError
from aloe.windows.reading import WindowTable, read_windows
from aloe.windows.source import Source

_MAX_ID_LENGTH = 96
_HASH_LENGTH = 12
_MOST_SHOWN = 3


def recording_id_of(relative: str) -> str:
    """Make the id of a recording of its path, as that of a clip, but shorter."""
    made = clip_id_of(relative)
    if len(made) <= _MAX_ID_LENGTH:
        return made
    digest = hashlib.sha256(made.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{made[: _MAX_ID_LENGTH - _HASH_LENGTH - 1]}-{digest}"


@dataclass(frozen=True, slots=True)
class AskedCut:
    """What is to be cut out of files, as the options say."""

    window: str | None
    hop: str | None
    last_window: LastWindow
    segments: Path | None
    split_silence: bool

    @property
    def is_any(self) -> bool:
        """Whether anything is to be cut out."""
        given = (self.window, self.hop, self.segments)
        return self.split_silence or any(each is not None for each in given)

    def read(self, files: Sequence[tuple[Path, str]]) -> dict[Path, Cut]:
        """Return what is cut out of each file; those without a segment are left out, and told.

        Raises:
            CommandError: the table cannot be read, or names none of the files.
            typer.BadParameter: options contradict each other.
        """
        if sum((self.window is not None, self.segments is not None, self.split_silence)) != 1:
            raise typer.BadParameter(
                "give one of --window (with --hop, if you like), --segments and --split-silence"
            )
        if self.hop is not None and self.window is None:
            raise typer.BadParameter("--hop goes with --window")
        if self.segments is not None:
            return dict(_segments_of(files, self.segments))
        cut: Cut = SoundCut()
        if self.window is not None:
            hop_s = None if self.hop is None else float(parse_seconds(self.hop, "--hop"))
            cut = GridCut(float(parse_seconds(self.window, "--window")), hop_s, self.last_window)
        return dict.fromkeys((path for path, _ in files), cut)


def _segments_of(files: Sequence[tuple[Path, str]], segments: Path) -> dict[Path, SegmentCut]:
    table = _read(files, segments)
    if not table.windows:
        raise CommandError(f"{segments} has no segments")
    by_name = PathEnds((path, {relative, str(path.resolve())}) for path, relative in files)
    spans: dict[Path, dict[tuple[float, float], None]] = {path: {} for path, _ in files}
    others: dict[str, None] = {}
    for window in table.windows:
        named = by_name.find(window.recording)
        if len(named) > 1:
            raise CommandError(
                f"{segments}: several files are called {window.recording!r};"
                f" {told_apart(map(str, named))}"
            )
        if named:
            spans[named[0]][window.start_s, window.end_s] = None
        else:
            others[window.recording] = None
    found = {path: SegmentCut(tuple(each)) for path, each in spans.items() if each}
    if not found:
        raise CommandError(
            f"{segments} has segments of {_some(list(others))}, and none of the files that are"
            " imported"
        )
    if others:
        tell(f"{segments} has segments of {_some(list(others))} as well, which are not imported")
    if lacking := [str(path) for path in spans if path not in found]:
        tell(f"{segments} has no segment of {_some(lacking)}: nothing is imported of those")
    return found


def _read(files: Sequence[tuple[Path, str]], segments: Path) -> WindowTable:
    recording = files[0][1] if len(files) == 1 else ""
    try:
        table = read_windows(Source(segments, recording=recording))
    except TableError as error:
        raise CommandError(str(error)) from error
    for note in table.notes:
        tell(note)
    return table


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
