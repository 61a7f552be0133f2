"""The formats of tables of windows: what each is called, and what it can hold."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from aloe.windows import raven, textgrid
from aloe.windows.cells import OWN_COLUMNS
from aloe.windows.window import Window

_NUMBERED = re.compile(r"[+-]?[\d.,][\d.,eE+-]*\t")


class TableFormat(Enum):
    """How windows are written down."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"
    """Written only."""
    RAVEN = "raven"
    AUDACITY = "audacity"
    TEXTGRID = "textgrid"


def format_of(text: str) -> TableFormat:
    """Return the format that a file is in, by how it begins."""
    first = text.lstrip().split("\n", 1)[0]
    if first.startswith("{"):
        return TableFormat.JSON_LINES
    if "ooTextFile" in first:
        return TableFormat.TEXTGRID
    if raven.START in first:
        return TableFormat.RAVEN
    return TableFormat.AUDACITY if _NUMBERED.match(first) else TableFormat.CSV


@dataclass(frozen=True, slots=True)
class Holds:
    """What a format can hold of windows."""

    name: str
    several_recordings: bool = False
    no_label: bool = True
    channel: bool = False
    frequencies: bool = False
    probability: bool = False
    more: frozenset[str] | None = None
    """The only further columns there may be; None for any."""
    taken: frozenset[str] = frozenset()
    """What further columns may not be called."""
    never: str = ""
    """Characters that it cannot hold in a text."""
    keeps_blanks: bool = False
    """Around a text."""
    keeps_recording: bool = True
    """Whether it says which recording it is about."""


_OWN = frozenset(OWN_COLUMNS.names)
HOLDS = {
    TableFormat.CSV: Holds(
        "CSV", several_recordings=True, channel=True, frequencies=True, probability=True, taken=_OWN
    ),
    TableFormat.JSON_LINES: Holds(
        "JSON lines",
        several_recordings=True,
        channel=True,
        frequencies=True,
        probability=True,
        taken=_OWN,
        keeps_blanks=True,
    ),
    TableFormat.PARQUET: Holds(
        "Parquet",
        several_recordings=True,
        channel=True,
        frequencies=True,
        probability=True,
        taken=_OWN,
        keeps_blanks=True,
    ),
    TableFormat.RAVEN: Holds(
        "a selection table of Raven",
        channel=True,
        frequencies=True,
        probability=True,
        taken=raven.NAMES,
        never="\t\n\r\0",
    ),
    TableFormat.AUDACITY: Holds(
        "a label track of Audacity",
        frequencies=True,
        more=frozenset(),
        never="\t\n\r\0",
        keeps_recording=False,
    ),
    TableFormat.TEXTGRID: Holds(
        "a TextGrid",
        no_label=False,
        more=frozenset({textgrid.TIER}),
        never="\r\0",
        keeps_recording=False,
    ),
}


def unheld(window: Window, holds: Holds, recording: str) -> Iterator[str]:
    """Yield what a format cannot hold of a window.

    Args:
        window: to write.
        holds: of the format.
        recording: of the first window.
    """
    for what in _unheld(window, holds, recording):
        yield f"{what}, which {holds.name} cannot hold; {_remedy(holds)}"


def _remedy(holds: Holds) -> str:
    return f"write {'JSON lines' if holds.several_recordings else 'CSV or JSON lines'}"


def _unheld(window: Window, holds: Holds, recording: str) -> Iterator[str]:
    if not holds.several_recordings and window.recording != recording:
        yield f"it is of another recording than the first, {window.recording!r}"
    if not holds.no_label and window.label is None:
        yield "it has no label"
    if not holds.channel and window.channel is not None:
        yield f"it has a channel, {window.channel}"
    if not holds.frequencies and (window.low_hz, window.high_hz) != (None, None):
        yield "it has frequencies"
    if not holds.probability and window.probability is not None:
        yield "it has a probability"
    for name in window.more:
        if name in holds.taken or (holds.more is not None and name not in holds.more):
            yield f"it has a further column {name!r}"
    for text in _texts(window, holds):
        yield from _unheld_letters(text, holds)


def _unheld_letters(text: str, holds: Holds) -> Iterator[str]:
    if not holds.keeps_blanks and text != text.strip():
        yield f"{text!r} has blanks at its ends"
    for letter in sorted(set(holds.never) & set(text)):
        yield f"{text!r} has a {letter!r} in it"


def _texts(window: Window, holds: Holds) -> Iterator[str]:
    if holds.keeps_recording:
        yield window.recording
    if window.label is not None:
        yield window.label
    for name, text in window.more.items():
        yield from (name, text)
