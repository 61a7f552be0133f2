import asyncio
import logging
from collections.abc import Iterator

import pytest

from aloe.admission.gate import Gate
from aloe.serving.overload import OverloadLog


class Lines(logging.Handler):
    """Lets a test wait for lines of the log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put_nowait(record.getMessage())

    def is_empty(self) -> bool:
        return self._lines.empty()

    async def next(self) -> str:
        async with asyncio.timeout(5):
            return await self._lines.get()


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("aloe.serving.overload")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


async def test_refused_calls_are_told_in_one_line_a_kind(lines: Lines) -> None:
    queries, exports = Gate("queries", 2), Gate("exports", 1_000)
    queries.enter_now()
    log = OverloadLog("more of them help", pause_s=0.05)
    for _ in range(1_234):
        log.refused(queries, "no room")
    log.refused(exports, "no bytes")
    assert lines.is_empty()
    told = "refused 1,234 queries in the last 0.05 s: no room (1 of 2 places taken, 0 waiting)"
    assert await lines.next() == f"{told}; more of them help"
    told = "refused 1 exports in the last 0.05 s: no bytes (0 of 1,000 places taken, 0 waiting)"
    assert await lines.next() == f"{told}; more of them help"
    assert (queries.refused_count, exports.refused_count) == (1_234, 1)


async def test_each_line_counts_what_came_since_the_one_before(lines: Lines) -> None:
    gate, log = Gate("queries", 2), OverloadLog("", pause_s=0.02)
    log.refused(gate, "no room")
    assert (await lines.next()).startswith("refused 1 queries")
    log.refused(gate, "no room")
    log.refused(gate, "no room")
    assert (await lines.next()).startswith("refused 2 queries in the last 0.02 s: no room")
    assert gate.refused_count == 3
