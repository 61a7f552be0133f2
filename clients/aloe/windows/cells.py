"""Windows out of the cells of a row, whatever its columns are called."""

from collections.abc import Collection
from dataclasses import dataclass

from aloe.tables import Numbers, Row
from aloe.values.audio import ChannelRule, parse_channel
from aloe.windows.checks import Found
from aloe.windows.window import Window


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table are called."""

    recording: str = "path"
    start: str = "start"
    end: str = "end"
    label: str = "label"
    channel: str = "channel"
    low: str = "low_hz"
    high: str = "high_hz"
    probability: str = "probability"

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (
            self.recording,
            self.start,
            self.end,
            self.label,
            self.channel,
            self.low,
            self.high,
            self.probability,
        )


OWN_COLUMNS = Columns()
"""Those of our own tables."""


class CellReader:
    """Reads the rows of one table."""

    def __init__(self, columns: Columns, recording: str = "", others: Collection[str] = ()) -> None:
        """Remember how to read.

        Args:
            columns: of the table.
            recording: where the table has no such column.
            others: columns besides, of which nothing is kept.
        """
        self._columns = columns
        self._recording = recording
        self._left_out = {*columns.names, *others}
        self._numbers = Numbers()

    def read(self, row: Row) -> Found:
        """Return the window of a row, or what is wrong with its cells."""
        problems: list[str] = []
        columns = self._columns
        start_s = self.number(row, columns.start, problems, form="seconds", required=True)
        end_s = self.number(row, columns.end, problems, form="seconds", required=True)
        low_hz = self.number(row, columns.low, problems)
        high_hz = self.number(row, columns.high, problems)
        probability = self.number(row, columns.probability, problems)
        channel = _channel(row.cells.get(columns.channel, ""), columns.channel, problems)
        more = {name: text for name, text in row.cells.items() if text}
        if "" in more:
            problems.append(f"{more['']!r} stands under no column; name it in the first line")
        if problems or start_s is None or end_s is None:
            return Found(row.number, None, tuple(problems))
        return Found(
            row.number,
            Window(
                row.cells.get(columns.recording, self._recording),
                start_s,
                end_s,
                row.cells.get(columns.label) or None,
                channel,
                low_hz,
                high_hz,
                probability,
                {name: text for name, text in more.items() if name not in self._left_out},
            ),
        )

    def number(
        self,
        row: Row,
        column: str,
        problems: list[str],
        *,
        form: str = "a number",
        required: bool = False,
    ) -> float | None:
        """Return the number in a cell; None, and a problem more, where it is wrong."""
        try:
            value = self._numbers.read(row, column, form)
        except ValueError as error:
            problems.append(str(error))
            return None
        if value is None and required:
            problems.append(f"{column} is empty; write {form}, such as 1.5")
        return value


def _channel(text: str, column: str, problems: list[str]) -> int | None:
    try:
        rule, number = parse_channel(text)
    except ValueError:
        rule, number = ChannelRule.MIX, 0
    if rule in {None, ChannelRule.NUMBERED}:
        return number or None
    problems.append(f"{column} is {text!r}; write a number from 1")
    return None
