"""Tables of windows of recordings, in the formats that other programs read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from aloe.cli.console import CommandError, notes
from aloe.cli.output_files import opened, whole
from aloe.cli.prediction_tables import check_folder
from aloe.windows import TableFormat, Window, WindowFaults, windows_text, windows_to_parquet

Table = Annotated[
    TableFormat | None, typer.Option(help="its format, where the name of the file does not say it")
]

_ENDINGS = {
    ".selections.txt": TableFormat.RAVEN,
    ".txt": TableFormat.AUDACITY,
    ".textgrid": TableFormat.TEXTGRID,
    ".csv": TableFormat.CSV,
    ".jsonl": TableFormat.JSON_LINES,
    ".parquet": TableFormat.PARQUET,
}
OF_ONE_RECORDING = {
    TableFormat.RAVEN: ".selections.txt",
    TableFormat.AUDACITY: ".txt",
    TableFormat.TEXTGRID: ".TextGrid",
}
"""Formats that have a file for each recording, and how it ends."""
_WITHOUT_PROBABILITY = TableFormat.AUDACITY, TableFormat.TEXTGRID


def table_format(to: Path | None, table: TableFormat | None, *, json: bool) -> TableFormat:
    """Return the format of a table. Raises CommandError where the ending is of none."""
    if table is not None:
        return table
    if to is None:
        return TableFormat.JSON_LINES if json else TableFormat.CSV
    for ending, its_format in _ENDINGS.items():
        if to.name.lower().endswith(ending):
            return its_format
    raise CommandError(f"{to}: there are {', '.join(_ENDINGS)}; or say which --table it is to be")


def is_for_windows(to: Path | None, table: TableFormat | None) -> bool:
    """Whether a table of windows is asked for, since its format is said, or is no other's."""
    if table is not None or to is None:
        return table is not None
    return any(
        to.name.lower().endswith(ending) and its_format in OF_ONE_RECORDING
        for ending, its_format in _ENDINGS.items()
    )


@dataclass(slots=True)
class WindowTables:
    """Writes windows of recordings: a file for each of these, or one for all, by the format."""

    to: Path | None
    """A file, the folder for several, or None for standard output."""
    format: TableFormat
    count: int = 0
    """Windows that were written."""
    _names: dict[str, str] = field(default_factory=dict)
    _kept: list[Window] = field(default_factory=list)

    def begin(self, recordings: Sequence[str]) -> None:
        """Take the recordings that there may be tables of.

        Raises:
            CommandError: the tables could not be written where they are wanted.
        """
        self._names = _file_names(recordings)
        is_one_each = self.format in OF_ONE_RECORDING and len(recordings) > 1
        if self.to is None:
            if self.format is TableFormat.PARQUET:
                raise CommandError("Parquet is no text: give a file to write")
            if is_one_each:
                raise CommandError(
                    f"of {len(recordings):,} recordings: give a folder for their tables"
                )
        elif is_one_each and not self.to.is_dir():
            self._make_folder(self.to, len(recordings))
        elif self.format not in OF_ONE_RECORDING and self.to.is_dir():
            raise CommandError(f"{self.to} is a folder: {self.format.value} is one file for all")
        else:
            check_folder(self.to)

    def add(
        self, recording: str, windows: Sequence[Window], *, length_s: float, sample_rate_hz: int
    ) -> None:
        """Write the windows of a recording, or keep them until `finish`.

        Args:
            recording: one that it was begun with.
            windows: of it.
            length_s: of the recording.
            sample_rate_hz: its rate.

        Raises:
            CommandError: the format cannot hold them.
        """
        self.count += len(windows)
        if self.format not in OF_ONE_RECORDING:
            self._kept += windows
            return
        if self.format in _WITHOUT_PROBABILITY:
            windows = [replace(each, probability=None) for each in windows]
        try:
            text = windows_text(
                windows,
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
        if self.format in OF_ONE_RECORDING:
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

    def tell_what_is_left_out(self) -> None:
        """Say so where the format has no place for probabilities."""
        if self.format in _WITHOUT_PROBABILITY:
            notes.print(f"{self.format.value} tables hold no probabilities: these are left out")

    def _make_folder(self, to: Path, recording_count: int) -> None:
        """Make the folder of several tables, where the name is free and is not one of a file."""
        if to.exists() or to.suffix:
            raise CommandError(
                f"{to} is no folder: {self.format.value} has a file for each of the"
                f" {recording_count:,} recordings; name a folder, with --table {self.format.value}"
            )
        check_folder(to)
        to.mkdir()

    def _file_of(self, recording: str) -> Path | None:
        if self.to is None or not self.to.is_dir():
            return self.to
        return self.to / f"{self._names[recording]}{OF_ONE_RECORDING[self.format]}"


def _file_names(recordings: Sequence[str]) -> dict[str, str]:
    """Name a file for each recording, by as short an end of their paths as makes them differ."""
    paths = {each: PurePosixPath(each) for each in recordings}
    longest = max((len(path.parts) for path in paths.values()), default=1)
    twice: list[str] = []
    for length in range(1, longest + 1):
        for has_ending in (False, True):
            names = {each: _end_of(path, length, has_ending) for each, path in paths.items()}
            # Some systems take names that differ in case alone for one.
            counts = Counter(map(str.lower, names.values()))
            twice = [name for name, count in counts.items() if count > 1]
            if not twice:
                return names
    raise CommandError(f"two recordings would have one table: {', '.join(twice)}")


def _end_of(path: PurePosixPath, length: int, has_ending: bool) -> str:
    parts = (path if has_ending else path.with_suffix("")).parts
    return "~".join(parts[-length:]).lstrip("/~")
