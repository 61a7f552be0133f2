"""Pools of connections in which callers wait for their turn, instead of failing at once.

redis-py raises ConnectionError where all connections are in use: it would look as if Redis were
away.
"""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.sentinel
import redis.sentinel
from aloe.redis.packing import packing
from redis.exceptions import RedisError


@dataclass(frozen=True, slots=True)
class Room:
    """How many commands a client has under way, and how many more wait, and how long."""

    connection_count: int = 100
    """In a cluster to all of its nodes together."""
    waiting_count: int = 10_000
    wait_s: float = 5.0
    """Shorter than callers wait as a rule, so that they are told."""


ROOM = Room()


class NoConnectionFree(RedisError):
    """All connections to Redis are in use, and nothing is wrong with it."""

    def __init__(self, room: Room) -> None:
        super().__init__(
            f"all {room.connection_count} connections to Redis are in use, and too many calls wait"
            " for one or have waited too long"
        )


class _Turns:
    """Whose turn it is to have a connection, for the tasks of an event loop: first come first."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._free = asyncio.Semaphore(room.connection_count)
        self._waiting_count = 0

    async def take(self) -> None:
        """Wait for a turn. Raises NoConnectionFree."""
        if not self._free.locked():
            await self._free.acquire()
            return
        if self._waiting_count >= self._room.waiting_count:
            raise NoConnectionFree(self._room)
        self._waiting_count += 1
        try:
            async with asyncio.timeout(self._room.wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise NoConnectionFree(self._room) from None
        finally:
            self._waiting_count -= 1

    def give_back(self) -> None:
        self._free.release()


class _WaitingPool:
    """Makes a pool of redis-py wait; for asyncio."""

    def __init__(self, *args: Any, room: Room = ROOM, **options: Any) -> None:
        # More than there are turns, which are what bounds it.
        options["max_connections"] = 2 * room.connection_count
        super().__init__(*args, **options)
        self._turns = _Turns(room)
        self._given: set[Any] = set()
        """Connections that have a turn."""

    def make_connection(self) -> Any:
        connection = super().make_connection()  # type: ignore[misc]
        connection.pack_command = packing(connection.pack_command)
        return connection

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        await self._turns.take()
        try:
            connection = await super().get_connection(*args, **options)  # type: ignore[misc]
        except BaseException:
            self._turns.give_back()
            raise
        self._given.add(connection)
        return connection

    async def release(self, connection: Any) -> None:
        try:
            await super().release(connection)  # type: ignore[misc]
        finally:
            # One that could not connect is released before it was ever given to a caller.
            if connection in self._given:
                self._given.remove(connection)
                self._turns.give_back()


class _BlockingPool:
    """Makes a pool of redis-py wait; for threads."""

    def __init__(self, *args: Any, room: Room = ROOM, **options: Any) -> None:
        options["max_connections"] = 2 * room.connection_count
        super().__init__(*args, **options)
        self._room = room
        self._free = threading.Semaphore(room.connection_count)
        self._given: set[Any] = set()

    def get_connection(self, *args: Any, **options: Any) -> Any:
        if not self._free.acquire(timeout=self._room.wait_s):
            raise NoConnectionFree(self._room)
        try:
            connection = super().get_connection(*args, **options)  # type: ignore[misc]
        except BaseException:
            self._free.release()
            raise
        self._given.add(connection)
        return connection

    def release(self, connection: Any) -> None:
        try:
            super().release(connection)  # type: ignore[misc]
        finally:
            if connection in self._given:
                self._given.remove(connection)
                self._free.release()


class WaitingPool(_WaitingPool, redis.asyncio.ConnectionPool):
    """Connections to one server, for asyncio."""


class WaitingSentinelPool(_WaitingPool, redis.asyncio.sentinel.SentinelConnectionPool):
    """Connections to the master that Sentinels name, for asyncio."""


class BlockingPool(_BlockingPool, redis.ConnectionPool):
    """Connections to one server, for threads."""


class BlockingSentinelPool(_BlockingPool, redis.sentinel.SentinelConnectionPool):
    """Connections to the master that Sentinels name, for threads."""


class WaitingCluster(redis.asyncio.cluster.RedisCluster):
    """A cluster, for asyncio.

    The pools of its nodes cannot be made to wait, so a command waits before its node is known: all
    nodes share the connections.
    """

    def __init__(self, *args: Any, room: Room = ROOM, **options: Any) -> None:
        options["max_connections"] = 2 * room.connection_count
        super().__init__(*args, **options)
        self._turns = _Turns(room)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        await self._turns.take()
        try:
            return await super().execute_command(*args, **options)
        finally:
            self._turns.give_back()
