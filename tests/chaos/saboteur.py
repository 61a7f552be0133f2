"""Breaks things at random: kills, stops, cuts, delays, and what befalls a store.

A seed fixes which and for how long.
"""

import asyncio
import math
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from tests.chaos.disruptions import ClockChange, Rollback
from tests.chaos.faults import WEIGHTS, Fault
from tests.chaos.history import History
from tests.chaos.proxy import Proxy
from tests.chaos.rolling_back import RollingBack
from tests.chaos.scene import Scene
from tests.chaos.stalling import stall
from tests.chaos.store_sabotage import StoreSabotage
from tests.chaos.surgery import Surgery
from tests.chaos.system import EMBEDDING, LEARNERS, REDIS, System

_FIRST_MEAN_PAUSE_S, _MEAN_PAUSE_S = 0.9, 1.5
_BOUT_S = 30.0
_MOST_AHEAD_S = 3600.0
_STALLED_S = 15.0


class Saboteur:
    """Breaks one system; several faults may act at once."""

    def __init__(
        self,
        system: System,
        scene: Scene,
        history: History,
        rng: random.Random,
        without: Collection[Fault] = (),
    ) -> None:
        """Take what it breaks and what it tells; `without` are faults that it leaves out."""
        self._weights = {fault: weight for fault, weight in WEIGHTS.items() if fault not in without}
        self._system, self._scene, self._history, self._rng = system, scene, history, rng
        surgery = Surgery(system.redis)
        rolling_back = RollingBack(system.redis, surgery, rng)
        store = StoreSabotage(system.redis, surgery, rng)
        self._setting_clock = asyncio.Lock()
        self.fault_counts: Counter[Fault] = Counter()
        self.kill_count = 0
        """Processes killed with SIGKILL."""
        self._methods: dict[Fault, Callable[[], Coroutine[Any, Any, None]]] = {
            Fault.KILL_LEARNER: self._kill_learner,
            Fault.KILL_ALL_LEARNERS: self._kill_all_learners,
            Fault.KILL_REDIS: self._kill_redis,
            Fault.KILL_EMBEDDING: self._kill_embedding,
            Fault.STOP_LEARNER: lambda: self._stop(self._rng.choice(LEARNERS)),
            Fault.STOP_REDIS: lambda: self._stop(REDIS),
            Fault.STOP_EMBEDDING: lambda: self._stop(EMBEDDING),
            Fault.CUT_REDIS: self._cut_redis,
            Fault.HALF_CLOSE_REDIS: self._half_close_redis,
            Fault.LOSE_REDIS_REPLIES: lambda: self._lose_replies([system.redis.proxy]),
            Fault.SLOW_REDIS: lambda: self._slow([system.redis.proxy], 0.1),
            Fault.CUT_ORACLES: self._cut_oracles,
            Fault.HALF_CLOSE_ORACLES: self._half_close_oracles,
            Fault.LOSE_LEARNER_REPLIES: lambda: self._lose_replies(self._some_proxies()),
            Fault.SLOW_ORACLES: lambda: self._slow(self._some_proxies(), 0.5),
            Fault.ROLL_BACK_FILES: lambda: self._roll_back(rolling_back.on_older_files),
            Fault.ROLL_BACK_FAILOVER: lambda: self._roll_back(rolling_back.on_lagging_replica),
            Fault.ROLL_BACK_LIVE: lambda: self._roll_back(rolling_back.under_connections),
            Fault.CLOCK_JUMP: self._jump_clock,
            Fault.FULL_DISK: store.fill_disk,
            Fault.OOM: store.fill_memory,
            Fault.BUSY: store.keep_busy,
            Fault.READONLY: lambda: self._make_read_only(store),
            Fault.WRONG_TYPE: lambda: self._damage(store),
            Fault.STALLED_STREAMS: self._stall_streams,
        }

    async def work(self, stopping: asyncio.Event, when_calm: Callable[[], Awaitable[None]]) -> None:
        """Break things until told to stop, with calm now and then.

        First each in turn, so that a short run has them all. In a calm the last faults have ended,
        and the rest is healed.
        """
        first = self._rng.sample(list(self._weights), len(self._weights))
        while not stopping.is_set():
            bout_end_s = time.monotonic() + _BOUT_S
            async with asyncio.TaskGroup() as running:
                while not stopping.is_set() and time.monotonic() < bout_end_s:
                    pause_s = _FIRST_MEAN_PAUSE_S if first else _MEAN_PAUSE_S
                    fault = first.pop() if first else self._choose()
                    self.fault_counts[fault] += 1
                    self._history.note("fault", fault=fault.value)
                    running.create_task(self._methods[fault]())
                    await asyncio.sleep(self._rng.expovariate(1 / pause_s))
            await self._system.heal()
            self._history.note("calm")
            await when_calm()

    def _choose(self) -> Fault:
        (fault,) = self._rng.choices(list(self._weights), list(self._weights.values()))
        return fault

    async def _kill_learner(self) -> None:
        self._kill(self._rng.choice(LEARNERS))

    async def _kill_all_learners(self) -> None:
        for name in LEARNERS:
            self._kill(name)

    async def _kill_embedding(self) -> None:
        self._kill(EMBEDDING)

    async def _kill_redis(self) -> None:
        pause_s = self._rng.uniform(0.1, 2)
        self._kill(REDIS)
        await asyncio.sleep(pause_s)
        await self._system.redis.restart()

    def _kill(self, name: str) -> None:
        self.kill_count += self._system.send(name, signal.SIGKILL)

    async def _stop(self, name: str) -> None:
        stop_s = self._rng.uniform(0.5, 6)
        self._system.send(name, signal.SIGSTOP)
        try:
            await asyncio.sleep(stop_s)
        finally:
            self._system.send(name, signal.SIGCONT)

    async def _cut_redis(self) -> None:
        self._system.redis.proxy.cut(0.5, self._rng)

    async def _half_close_redis(self) -> None:
        self._system.redis.proxy.half_close(0.3, self._rng)

    async def _cut_oracles(self) -> None:
        for proxy in self._some_proxies():
            proxy.cut(1.0, self._rng)

    async def _half_close_oracles(self) -> None:
        for proxy in self._some_proxies():
            proxy.half_close(1.0, self._rng)

    async def _roll_back(self, way: Callable[[], Awaitable[Rollback | None]]) -> None:
        rollback = await way()
        if rollback is not None:
            self._scene.roll_back(rollback)
            self._history.note("rollback", what=asdict(rollback))

    async def _damage(self, store: StoreSabotage) -> None:
        self._history.note("damage", what=asdict(await store.put_foreign_key()))

    async def _make_read_only(self, store: StoreSabotage) -> None:
        # A learner that starts meanwhile refuses to.
        with self._system.keeping_learners():
            await store.make_read_only()

    async def _jump_clock(self) -> None:
        ahead_s = math.exp(self._rng.uniform(0, math.log(_MOST_AHEAD_S))) * self._rng.choice(
            (-1, 1)
        )
        async with self._setting_clock:
            self._set_clock(ahead_s)
            await asyncio.sleep(self._rng.uniform(0.5, 6))
            self._set_clock(0.0)

    def _set_clock(self, ahead_s: float) -> None:
        if self._system.redis.clock is not None:
            from_s = time.monotonic()
            self._system.redis.clock.set(timedelta(seconds=ahead_s))
            change = ClockChange(from_s, time.monotonic(), ahead_s)
            self._history.note("clock", what=asdict(change))

    async def _stall_streams(self) -> None:
        address = self._rng.choice(list(self._system.learner_addresses.values()))
        await stall(
            address, self._system.embedding_address, self._rng, self._rng.uniform(2, _STALLED_S)
        )

    async def _lose_replies(self, proxies: list[Proxy]) -> None:
        lost_s = self._rng.uniform(0.05, 1.5)
        for proxy in proxies:
            proxy.loses_replies = True
        await asyncio.sleep(lost_s)
        for proxy in proxies:
            proxy.heal()

    async def _slow(self, proxies: list[Proxy], most_s: float) -> None:
        slow_s, delay_s = self._rng.uniform(0.5, 4), self._rng.uniform(0.005, most_s)
        for proxy in proxies:
            proxy.delay_s = delay_s
        await asyncio.sleep(slow_s)
        for proxy in proxies:
            proxy.heal()

    def _some_proxies(self) -> list[Proxy]:
        proxies = self._system.oracle_proxies
        return self._rng.sample(proxies, self._rng.randint(1, len(proxies) // 2))
