"""Sends the commands of many callers in one round trip, and waits for replicas."""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.cluster import RedisCluster

from aloe.learner.domain.errors import StoreUnavailable
from aloe.redis.connecting import RedisClient

WAIT_MS = 5_000
"""How long a write may take to reach the replicas."""
_MAX_COMMAND_COUNT = 128


class Pipelines:
    """The way to a Redis for what writes and for what reads."""

    def __init__(self, client: RedisClient, replica_count: int = 0) -> None:
        """Use a client; a write counts as done once `replica_count` replicas have it."""
        self.write = Pipeline(client, replica_count)
        # Reads need not wait for replicas.
        self.read = Pipeline(client) if replica_count else self.write
        self.keeps_order = self.read is self.write and self.write.sends_together
        """Whether commands reach Redis in the order in which they are called for."""


class Pipeline:
    """Sends commands that are called for at the same time together; later ones wait for the reply.

    A round trip costs the client more than a script costs Redis, and where Redis syncs its log
    always, the commands of one round trip share a sync.
    """

    def __init__(self, client: RedisClient, replica_count: int = 0) -> None:
        """Use a client.

        Args:
            client: to send with.
            replica_count: how many replicas must have a write before it counts as done.
        """
        self._client, self._replica_count = client, replica_count
        # In a cluster the keys lie on different nodes. And a wait for replicas must not delay the
        # commands of other callers.
        self.sends_together = not (replica_count or isinstance(client, RedisCluster))
        self._waiting: list[tuple[tuple[Any, ...], asyncio.Future[Any]]] = []
        self._last: dict[tuple[Any, ...], asyncio.Future[Any]] = {}
        self._sending: asyncio.Task[None] | None = None

    async def __call__(self, *command: Any) -> Any:
        """Run a command.

        Raises:
            StoreUnavailable: too few replicas took a write in time. It may have happened.
            RedisError: what Redis answered, or that it did not.
        """
        if self._replica_count:
            return await self._run_and_wait(command)
        if not self.sends_together:
            return await self._client.execute_command(*command)
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        self._send_soon()
        return await future

    async def last(self, *command: Any) -> Any:
        """Run a command that only reads, behind all that are called for by now.

        Callers that ask the same at the same time share one command.
        """
        if not self.sends_together:
            return await self(*command)
        future = self._last.get(command)
        if future is None:
            future = self._last[command] = asyncio.get_running_loop().create_future()
            self._send_soon()
        # One of the callers may be cancelled, and none may be there any more to look at a failure.
        future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return await asyncio.shield(future)

    def _send_soon(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _run_and_wait(self, command: tuple[Any, ...]) -> Any:
        # On one connection, since WAIT counts what its own connection wrote.
        async with self._client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(*command)
            pipeline.execute_command("WAIT", self._replica_count, WAIT_MS)
            reply, taken_count = await pipeline.execute()
        if taken_count < self._replica_count:
            raise StoreUnavailable(
                f"{taken_count} of {self._replica_count} replicas took the write within"
                f" {WAIT_MS / 1000:g} s; it may be lost in a failover. Repeating it is safe"
            )
        return reply

    async def _send(self) -> None:
        try:
            while self._waiting or self._last:
                # A turn of the loop, in which tasks that were made at the same moment ask as well.
                await asyncio.sleep(0)
                taken = self._waiting[:_MAX_COMMAND_COUNT]
                del self._waiting[:_MAX_COMMAND_COUNT]
                # Commands of callers that were cancelled are not sent.
                asked = [(command, future) for command, future in taken if not future.done()]
                if not self._waiting:
                    asked += self._last.items()
                    self._last = {}
                if asked:
                    await self._answer(asked)
        finally:
            # Not empty only if this was cancelled, as when the loop ends.
            for future in (*(each for _, each in self._waiting), *self._last.values()):
                future.cancel()

    async def _answer(self, asked: Sequence[tuple[tuple[Any, ...], asyncio.Future[Any]]]) -> None:
        futures = [future for _, future in asked]
        try:
            replies = await self._exchange([command for command, _ in asked])
        except asyncio.CancelledError:
            for future in futures:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - each caller is told
            replies = [error] * len(futures)
        for future, reply in zip(futures, replies, strict=True):
            if future.done():
                continue
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    async def _exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies
