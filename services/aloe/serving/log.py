"""The log of a service: lines of bounded length and rate, which nobody can forge, without logins.

Callers can cause lines as often as they like, and what they send may be quoted in them.
"""

import contextlib
import logging
import math
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TextIO

from aloe.values.urls import without_logins

MAX_LINES, WINDOW_S = 20, 10.0
"""So many lines of a kind are written in so many seconds; the others are counted."""
MAX_KINDS = 64
"""In that time; what comes of further kinds is of one kind together."""
_OTHERS = ("aloe", logging.WARNING, "lines of many kinds")
_MAX_CHARACTERS = 2_000
_MAX_TRACE_LINES = 80
_KIND_CHARACTERS = 60
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What could begin a line, move a cursor or turn the direction of writing."""

Kind = tuple[str, int, str]
"""Logger, level and message of a record, before its values are put in."""


def log_to_stderr(level: str) -> None:
    """Write the log to stderr, with what Python itself would write there past it."""
    logging.raiseExceptions = False  # A log that cannot be written must not write that.
    logging.basicConfig(level=level, handlers=[BoundedHandler(sys.stderr)])
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_exception
    threading.excepthook = lambda each: _log_exception(
        each.exc_type, each.exc_value or each.exc_type(), each.exc_traceback
    )


def _log_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger("aloe").critical("%s", kind.__name__, exc_info=(kind, error, trace))


@dataclass(slots=True)
class _Window:
    """What came of a kind lately."""

    begin_s: float
    written_count: int = 0
    dropped_count: int = 0


class BoundedHandler(logging.StreamHandler[TextIO]):
    """Writes at most MAX_LINES records of a kind in WINDOW_S seconds, then how many more came."""

    def __init__(self, stream: TextIO, window_s: float = WINDOW_S) -> None:
        super().__init__(stream)
        self.setFormatter(LineFormatter())
        self._window_s = window_s
        self._windows: dict[Kind, _Window] = {}
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it. Called under the handler's lock."""
        now = time.monotonic()
        self._tell_ended(now)
        kind = _kind_of(record)
        if kind not in self._windows and len(self._windows) >= MAX_KINDS:
            kind = _OTHERS
        window = self._windows.setdefault(kind, _Window(now))
        if window.written_count < MAX_LINES:
            window.written_count += 1
            super().emit(record)
            return
        window.dropped_count += 1
        self._tell_in(self._window_s)

    def close(self) -> None:
        """Tell what was not told yet."""
        with self._locked():
            self._tell_ended(math.inf)
        super().close()

    def _tell(self) -> None:
        """Tell how many were dropped although nothing else comes."""
        with self._locked():
            self._timer = None
            now = time.monotonic()
            self._tell_ended(now)
            begins = [each.begin_s for each in self._windows.values() if each.dropped_count]
            if begins:
                self._tell_in(max(0.0, min(begins) + self._window_s - now))

    def _tell_in(self, pause_s: float) -> None:
        if self._timer is None:
            self._timer = threading.Timer(pause_s, self._tell)
            self._timer.daemon = True
            with contextlib.suppress(RuntimeError):  # No thread to be had: the next record tells.
                self._timer.start()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _tell_ended(self, now: float) -> None:
        for kind, window in list(self._windows.items()):
            if now - window.begin_s < self._window_s:
                continue
            del self._windows[kind]
            if window.dropped_count:
                name, level, text = kind
                told = f"{text} ... {window.dropped_count:,} more of these in {self._window_s:g} s"
                super().emit(logging.LogRecord(name, level, "", 0, told, None, None))


def _kind_of(record: logging.LogRecord) -> Kind:
    text = str(record.msg)[:_KIND_CHARACTERS]
    error = record.exc_info[0] if record.exc_info else None
    return record.name, record.levelno, f"{text} ({error.__name__})" if error else text


class LineFormatter(logging.Formatter):
    """One line a record; a trace follows on lines that begin with blanks, as no record does."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return _line(super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]
        if len(lines) > _MAX_TRACE_LINES:
            half = _MAX_TRACE_LINES // 2
            left_out = f"... {len(lines) - 2 * half:,} lines ..."
            lines = [*lines[:half], left_out, *lines[-half:]]
        return "\n".join(f"  {_line(line)}" for line in lines)

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return "\n".join(f"  {_line(line)}" for line in stack_info.splitlines())


def _line(text: str) -> str:
    """Return a text as one line that any terminal shows as it is."""
    # A login goes before the text is cut, which might cut off what shows that it is one.
    safe = without_logins(text[: 4 * _MAX_CHARACTERS])
    if len(safe) > _MAX_CHARACTERS:
        safe = f"{safe[:_MAX_CHARACTERS]}... {len(text) - _MAX_CHARACTERS:,} more characters"
    return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], safe)
