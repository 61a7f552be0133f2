"""The log is bounded in lines and length, cannot be forged by callers, and holds no login."""

import io
import logging
import time
from collections.abc import Iterator

import pytest

from aloe.serving.log import MAX_KINDS, MAX_LINES, BoundedHandler

WINDOW_S = 0.3


class Log:
    """A logger of its own with what it wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = BoundedHandler(self.stream, WINDOW_S)
        # Of no hierarchy: pytest is not to report what cannot be written.
        self.logger = logging.Logger("aloe.test_log")  # noqa: LOG001
        self.logger.addHandler(self.handler)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log()
    yield made
    made.logger.removeHandler(made.handler)
    made.handler.close()


def wait_for_line(log: Log, text: str) -> str:
    deadline = time.monotonic() + 10
    while True:
        found = [line for line in log.lines if text in line]
        if found:
            return found[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_comes_too_often_is_counted_and_told_although_nothing_else_comes(log: Log):
    for number in range(1_234 + MAX_LINES):
        log.logger.warning("clip %d is bad", number)
    assert len(log.lines) == MAX_LINES
    told = wait_for_line(log, "more of these")
    assert told.endswith("WARNING aloe.test_log: clip %d is bad ... 1,234 more of these in 0.3 s")
    log.logger.warning("clip %d is bad", 7)
    assert log.lines[-1].endswith("clip 7 is bad")


def test_another_kind_is_written_meanwhile(log: Log):
    for _ in range(100):
        log.logger.warning("often")
    log.logger.error("once")
    log.logger.error("often")
    assert [line.rpartition(" ")[2] for line in log.lines[MAX_LINES:]] == ["once", "often"]


def test_kinds_without_end_are_one_kind(log: Log):
    for number in range(5_000):
        log.logger.warning(f"{number} is a text of its own")  # noqa: G004 - as libraries do
    assert len(log.lines) < MAX_KINDS + 2 * MAX_LINES
    assert wait_for_line(log, "lines of many kinds ... ")


def test_what_was_not_told_is_told_at_the_end(log: Log):
    for _ in range(MAX_LINES + 3):
        log.logger.warning("often")
    log.handler.close()
    assert "3 more of these" in log.lines[-1]


def test_a_trace_is_counted_by_its_kind_and_bounded(log: Log):
    def fall(depth: int) -> None:
        if depth:
            fall(depth - 1)
        raise ValueError("x" * 10_000_000)

    for _ in range(50):
        try:
            fall(300)
        except ValueError:
            log.logger.exception("unexpected")
    assert len(log.stream.getvalue()) < MAX_LINES * 20_000
    assert len(log.lines) < MAX_LINES * 90


@pytest.mark.parametrize(
    "escaped",  # pytest cannot report a lone surrogate
    [
        r"a\n2026-01-01 00:00:00,000 ERROR aloe.learner: forged",
        r"a\r2026-01-01 ERROR forged",
        r"\x1b[2J\x1b[31m",
        r"\x9b31m",
        r"a\u2028ERROR forged",
        r"\u202etxt.exe",
        r"\ud800",
        r"a\x00b",
    ],
)
def test_nobody_can_forge_a_line_or_move_the_cursor(log: Log, escaped: str):
    evil = escaped.encode().decode("unicode_escape")
    log.logger.warning("the clip %s is bad", evil)
    try:
        raise ValueError(evil)
    except ValueError:
        log.logger.exception("unexpected")
    records = [line for line in log.lines if not line.startswith("  ")]
    assert len(records) == 2
    assert not [each for each in log.stream.getvalue() if each < " " and each != "\n"]
    assert not set("\x9b\u2028\u202e\ud800") & set(log.stream.getvalue())


def test_a_line_has_an_end(log: Log):
    log.logger.warning("%s", "x" * 10_000_000)
    assert len(log.lines[0]) < 2_100
    assert log.lines[0].endswith(" more characters")


@pytest.mark.parametrize("password", ["hunter2", "hun/ter2", "hun#t?er2", "hun@ter2", "hun ter2"])
def test_no_login_is_written_whatever_quotes_it(log: Log, password: str):
    url = f"redis://user:{password}@host:6379/0"
    log.logger.warning("cannot reach %s", url)
    log.logger.warning("cannot reach %s", "y" * 1_900 + url + "z" * 3_000)
    try:
        raise ConnectionError(f"no host in {url!r}")
    except ConnectionError as cause:
        try:
            raise ValueError(f"bad: {url}") from cause
        except ValueError:
            log.logger.exception("unexpected")
    for part in ("hun", "ter2"):
        assert part not in log.stream.getvalue().replace("url!r", "")
