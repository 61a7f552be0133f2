"""Several pieces of work, or several things to wait for, at once."""

import asyncio
from collections.abc import Coroutine


class AtOnce:
    """Runs coroutines beside each other; the first failure is raised by what is awaited next."""

    def __init__(self, max_count: int) -> None:
        self._max_count = max_count
        self._running: set[asyncio.Task[None]] = set()

    async def begin(self, work: Coroutine[None, None, None]) -> None:
        """Begin some work; waits while as many as may be are running."""
        task = asyncio.create_task(work)
        # Of several failures one is raised; asyncio is not to complain of the others.
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self._running.add(task)
        if len(self._running) >= self._max_count:
            await self._wait(asyncio.FIRST_COMPLETED)

    async def finish(self) -> None:
        """Wait for all that runs."""
        while self._running:
            await self._wait(asyncio.FIRST_EXCEPTION)

    def cancel(self) -> None:
        """Let go of what still runs."""
        for task in self._running:
            task.cancel()

    async def _wait(self, until: str) -> None:
        done, self._running = await asyncio.wait(self._running, return_when=until)
        for task in done:
            task.result()


async def any_of(*events: asyncio.Event, timeout_s: float) -> None:
    """Wait for one of some events, but no longer than that."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
