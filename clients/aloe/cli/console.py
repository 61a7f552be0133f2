"""What commands write: results on standard output, everything else on standard error."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from math import isfinite
from pathlib import Path
from types import UnionType
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aloe.client import ClipFailure, HeadRecipe, InputFailure, Listing, PoolState, StoppingRule
from aloe.wire.settings import HEAD_RECIPE, STOPPING_RULE

# Names of classes and oracles stand as they are, also where they look like ":dog:".
_PIPE_WIDTH = 10_000
# Into a pipe a row is a line, however long: ids are copied and searched for.
results = Console(emoji=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
notes = Console(stderr=True, emoji=False)


POOL_STATES = {
    PoolState.OPEN: "open",
    PoolState.ALL_LEASED: "others hold the clips that are left",
    PoolState.EXHAUSTED: "every clip is answered",
    PoolState.BUDGET_SPENT: "the label budget is spent, or reserved by leases",
    PoolState.ORACLE_LIMIT: "this oracle holds as many clips as it may, in another session",
}
"""What people are told of a task's state."""

_IN_FLAGS = {
    "take it so with accept_damaged": "take it so with --accept-damaged",
    "choose a channel (": "choose one with --channel (",
    "import with replace (--replace)": "import with --replace",
    "with `replace` if": "with --replace if",
    "a pool with keep_audio": "a pool with --keep-audio",
}
"""What services say to all clients, and how it is said here."""


_OPTIONS = {
    "audit_share": "--audits",
    "channel": "--channel",
    "classes": "--classes",
    "filter": "--filter",
    "hop": "--hop",
    "hop_s": "--hop",
    "hotkey": "--hotkey",
    "label_budget": "--budget",
    "last_window": "--last-window",
    "lease_duration": "--lease",
    "max_clip_count": "--count",
    "max_expected_error": "--max-error",
    "oracle_id": "--oracle",
    "pool_id": "the pool's id",
    "promotion_id": "the name",
    "task_id": "the task's id",
    "window": "--window",
    "window_s": "--window",
    "window_spacing": "--window-spacing",
}
"""Fields of requests, and what sets them here."""
_FIELD = re.compile(r"(?:^|(?<=[:;] ))(?P<path>(?:[a-z_]+\.)*)(?P<name>[a-z_]+): ")
_ID = r"([A-Za-z0-9_][A-Za-z0-9_.~-]*)"
_RESOURCES = (
    (re.compile(rf"(?<![\w/.-])pools/{_ID}/(clip|recording)s/{_ID}(?!/)"), r"\2 \3 of pool \1"),
    (re.compile(rf"(?<![\w/.-])(pool|task)s/{_ID}(?!/)"), r"\1 \2"),
)


class CommandError(Exception):
    """A command that cannot be done: one line that says why and what to do."""


def complain(message: str) -> None:
    """Say in one line what went wrong."""
    notes.print(f"aloe: {' '.join(message.split())}", markup=False, highlight=False, soft_wrap=True)


def tell(message: str, style: str = "") -> None:
    """Say something as it stands: no markup is read in it, and no line is broken."""
    notes.print(message, style=style, markup=False, highlight=False, soft_wrap=True)


def confirm(question: str, otherwise: str = "nothing was deleted") -> None:
    """Ask before something is deleted. Raises CommandError where the answer is not yes."""
    if not typer.confirm(question, err=True):
        raise CommandError(otherwise)


def reason_of(failure: ClipFailure | InputFailure) -> str:
    """Say why something failed, without the names of fields in a message that nobody wrote."""
    return in_words("; ".join(each.description for each in failure.violations) or failure.message)


def in_flags(message: str) -> str:
    """Return a message of the services with the options of this command line in it."""
    for words, flags in _IN_FLAGS.items():
        message = message.replace(words, flags)
    return message


def in_words(message: str) -> str:
    """Return what a service says in the words of the command line: options, "task x".

    Not for messages about files: a folder may be called "tasks" as well.
    """
    for resource, words in _RESOURCES:
        message = resource.sub(words, message)
    return in_flags(_FIELD.sub(_option, message))


def _option(field: re.Match[str]) -> str:
    name = field["name"]
    if option := _OPTIONS.get(name):
        return f"{option}: "
    # What else people wrote stands in the message itself.
    return "" if field["path"] or "_" in name else field[0]


def counted(count: int, noun: str) -> str:
    """Write how many there are of something: 1 window, 2 windows, 2 classes."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def are(count: int) -> str:
    """Return the verb of so many."""
    return "is" if count == 1 else "are"


def print_json(value: Any) -> None:
    """Write one JSON value, in one line, for scripts."""
    sys.stdout.write(json_line(value))
    sys.stdout.flush()


def json_line(value: Any) -> str:
    """Return a JSON value as a line."""
    return json.dumps(plain(value), ensure_ascii=False) + "\n"


def plain(value: Any) -> Any:
    """Turn dataclasses, enums, times and numpy numbers into JSON values; NaN becomes null."""
    for kind, write in _PLAIN:
        if isinstance(value, kind):
            return write(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


_PLAIN: tuple[tuple[type | UnionType, Callable[[Any], Any]], ...] = (
    # The numbers of such enums are nobody's business but the learner's.
    (IntEnum, lambda value: value.name.lower()),
    (Enum, lambda value: value.value),
    (datetime, datetime.isoformat),
    (timedelta, timedelta.total_seconds),
    (np.generic, lambda value: plain(value.item())),
    (float, lambda value: value if isfinite(value) else None),
    (Path, str),
    (HeadRecipe, HEAD_RECIPE.dump),
    (StoppingRule, STOPPING_RULE.dump),
)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Write a table, numbers to the right."""
    rows = [[_cell(cell) for cell in row] for row in rows]
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    results.print(table, markup=False)


def progress() -> Progress:
    """Return a progress bar on standard error; shows nothing where that is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=notes,
        disable=not notes.is_terminal,
        transient=True,
    )


def percent(value: float | None) -> str:
    """Write a part of one as a percentage."""
    return "-" if value is None else f"{value:.1%}"


def accepted_text(count: int, noun: str, expected_error: float | None) -> str:
    """Write how many predictions are accepted, and what part of them is expected to be wrong."""
    if not count:
        return f"none of the {noun} is sure enough to accept: more labels make heads surer"
    return f"{count:,} {noun} are accepted; {percent(expected_error)} of these may be wrong"


def _cell(value: Any) -> str:
    return "-" if value is None else _text(value)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case PoolState():
            return POOL_STATES[value]
        case Enum():
            return str(value.value)
    return str(value)


def _is_number(text: str) -> bool:
    return (
        text == "-" or text.replace(",", "").rstrip("%").replace(".", "", 1).lstrip("-").isdigit()
    )


def complain_of_unreadable(listing: Listing[Any]) -> None:
    """Name what is not in a list because it is damaged, and end with exit code 1 if there is any.

    Raises:
        typer.Exit: there is.
    """
    for error in listing.unreadable:
        complain(f"{error.metadata.get('resource', '')} is not listed: {error}")
    if listing.unreadable:
        raise typer.Exit(1)
