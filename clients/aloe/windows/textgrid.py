"""TextGrids of Praat: tiers of intervals that cover a recording without a gap, tiers of points.

An interval without text is no window. A window's tier is its cell in the column `tier`; windows
without one stand in tiers of our own, the next of which takes what overlaps in the last.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from aloe.tables import TableError, number_text, read_bytes
from aloe.windows.checks import Found
from aloe.windows.points import at_point
from aloe.windows.praat_text import Reader
from aloe.windows.source import Source
from aloe.windows.window import Window

TIER = "tier"
"""The column of further cells that names a tier."""
_OWN_TIER = "windows"
_INTERVALS, _POINTS = "IntervalTier", "TextTier"
_EXISTS = "<exists>"


def read_textgrid(source: Source) -> Iterator[Found]:
    """Read the tiers of a TextGrid, long or short.

    Raises:
        TableError: it cannot be read; the message names the line.
    """
    data, encoding = read_bytes(source.file, source.encoding)
    try:
        yield from _windows(Reader(data.decode(encoding)), source)
    except TableError as error:
        raise TableError(f"{source.file}, {error}") from error


def textgrid_text(windows: Sequence[Window], length_s: float | None) -> str:
    """Write the windows of one recording as `read_textgrid` reads them, tier by tier.

    Args:
        windows: of which `unwritable_tiers` finds none.
        length_s: of the recording; by default it ends with the last window.

    Raises:
        TableError: there is neither; no TextGrid is without length.
    """
    end_s = max([length_s or 0.0, *(window.end_s for window in windows)])
    if not end_s:
        raise TableError("no windows, and no length: a TextGrid cannot be so short")
    tiers = tiers_of(windows) or {_OWN_TIER: []}
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        *_span("", 0.0, end_s),
        f"tiers? {_EXISTS}",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, members) in enumerate(tiers.items(), 1):
        intervals = list(_without_gaps(members, end_s))
        lines += [
            f"    item [{number}]:",
            f'        class = "{_INTERVALS}"',
            f"        name = {_quoted(name)}",
            *_span(" " * 8, 0.0, end_s),
            f"        intervals: size = {len(intervals)}",
        ]
        for place, (start_s, interval_end_s, label) in enumerate(intervals, 1):
            lines += [
                f"        intervals [{place}]:",
                *_span(" " * 12, start_s, interval_end_s),
                f"            text = {_quoted(label)}",
            ]
    return "".join(f"{line}\n" for line in lines)


def tiers_of(windows: Iterable[Window]) -> dict[str, list[Window]]:
    """Return the windows of each tier, as they follow each other."""
    tiers: dict[str, list[Window]] = {}
    for window in sorted(windows, key=lambda window: (window.start_s, window.end_s)):
        names = iter([window.more[TIER]]) if TIER in window.more else _own_tiers()
        for name in names:
            tier = tiers.setdefault(name, [])
            if TIER in window.more or not tier or tier[-1].end_s <= window.start_s:
                tier.append(window)
                break
    return tiers


def unwritable_tiers(windows: Sequence[Window]) -> Iterator[tuple[Window, str]]:
    """Yield windows that cannot stand in the tier that they name, and why."""
    for window in windows:
        if _is_own_tier(window.more.get(TIER, "")):
            yield window, f"the tier {window.more[TIER]!r} is ours; name another, or none"
    for name, members in tiers_of(windows).items():
        latest = members[0]
        for window in members[1:]:
            if window.start_s < latest.end_s:
                yield window, _overlap(window, latest, name)
            latest = max(latest, window, key=lambda each: each.end_s)


def _overlap(window: Window, other: Window, tier: str) -> str:
    return (
        f"it begins at {number_text(window.start_s)} s, while the window from"
        f" {number_text(other.start_s)} to {number_text(other.end_s)} s lasts, which is in the"
        f" tier {tier!r} too; name another in the column {TIER!r}, or none"
    )


def _own_tiers() -> Iterator[str]:
    return (_OWN_TIER if number == 1 else f"{_OWN_TIER} {number}" for number in count(1))


def _is_own_tier(name: str) -> bool:
    number = name.removeprefix(f"{_OWN_TIER} ")
    return name == _OWN_TIER or (number != name and number.isdecimal() and number.isascii())


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _span(indent: str, start_s: float, end_s: float) -> list[str]:
    return [f"{indent}xmin = {number_text(start_s)}", f"{indent}xmax = {number_text(end_s)}"]


def _without_gaps(windows: Sequence[Window], end_s: float) -> Iterator[tuple[float, float, str]]:
    """Yield start, end and label of windows and of what is between them."""
    last_s = 0.0
    for window in windows:
        if last_s < window.start_s:
            yield last_s, window.start_s, ""
        yield window.start_s, window.end_s, window.label or ""
        last_s = window.end_s
    if last_s < end_s:
        yield last_s, end_s, ""


def _windows(reader: Reader, source: Source) -> Iterator[Found]:
    end_s, tier_count = _head(reader)
    names: list[str] = []
    for _ in range(tier_count):
        kind = reader.text("the kind of a tier")
        if kind not in {_INTERVALS, _POINTS}:
            raise TableError(f"line {reader.line}: {kind!r} is no kind of tier that is known")
        name = reader.text("the name of a tier")
        names.append(name)
        if kind == _POINTS:
            found = _points(reader, source, name, end_s)
        else:
            found = _intervals(reader, source, name)
        yield from (each for each in found if not source.tiers or name in source.tiers)
    reader.end()
    for name in source.tiers:
        if name not in names:
            raise TableError(f"line 1: there is no tier {name!r}; there are {', '.join(names)}")


def _head(reader: Reader) -> tuple[float, int]:
    """Return where a TextGrid ends, and how many tiers it has."""
    if not reader.text("the kind of file").startswith("ooTextFile"):
        raise TableError("line 1: this is no text file of Praat; save it as one")
    kind = reader.text("the kind of object")
    if kind != "TextGrid":
        raise TableError(f"line {reader.line}: it holds a {kind}, no TextGrid; save that")
    start_s = reader.number("the start")
    if start_s != 0:
        raise TableError(
            f"line {reader.line}: it begins at {number_text(start_s)} s, and recordings at 0; shift"
            " its times in Praat"
        )
    end_s = reader.number("the end")
    has_tiers = reader.flag(_EXISTS) == _EXISTS
    return end_s, reader.count("the number of tiers") if has_tiers else 0


def _intervals(reader: Reader, source: Source, tier: str) -> Iterator[Found]:
    _skip_span(reader)
    for _ in range(reader.count("the number of intervals")):
        start_s, line = reader.number("a start"), reader.line
        end_s, label = reader.number("an end"), reader.text("the text of an interval").strip()
        if label:
            yield Found(line, Window(source.recording, start_s, end_s, label, more=_more(tier)))


def _points(reader: Reader, source: Source, tier: str, end_s: float) -> Iterator[Found]:
    _skip_span(reader)
    for _ in range(reader.count("the number of points")):
        at_s, line = reader.number("the time of a point"), reader.line
        mark = reader.text("the mark of a point").strip()
        point = Window(source.recording, at_s, at_s, mark or None, more=_more(tier))
        yield at_point(line, point, source, end_s)


def _skip_span(reader: Reader) -> None:
    reader.number("the start of the tier")
    reader.number("the end of the tier")


def _more(tier: str) -> dict[str, str]:
    return {} if _is_own_tier(tier) or not tier else {TIER: tier}
