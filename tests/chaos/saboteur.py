"""Breaks things at random: kills, stops, cuts, delays. A seed fixes which and for how long."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any

from tests.chaos.history import History
from tests.chaos.proxy import Proxy
from tests.chaos.system import EMBEDDING, LEARNERS, REDIS, System


class Fault(Enum):
    """The ways in which it breaks things."""

    KILL_LEARNER = "kill_learner"
    KILL_ALL_LEARNERS = "kill_all_learners"
    KILL_REDIS = "kill_redis"
    KILL_EMBEDDING = "kill_embedding"
    STOP_LEARNER = "stop_learner"
    STOP_REDIS = "stop_redis"
    STOP_EMBEDDING = "stop_embedding"
    CUT_REDIS = "cut_redis"
    HALF_CLOSE_REDIS = "half_close_redis"
    LOSE_REDIS_REPLIES = "lose_redis_replies"
    SLOW_REDIS = "slow_redis"
    CUT_ORACLES = "cut_oracles"
    HALF_CLOSE_ORACLES = "half_close_oracles"
    LOSE_LEARNER_REPLIES = "lose_learner_replies"
    SLOW_ORACLES = "slow_oracles"


_WEIGHTS = {
    Fault.KILL_LEARNER: 5,
    Fault.KILL_ALL_LEARNERS: 1,
    Fault.KILL_REDIS: 3,
    Fault.KILL_EMBEDDING: 1,
    Fault.STOP_LEARNER: 4,
    Fault.STOP_REDIS: 2,
    Fault.STOP_EMBEDDING: 1,
    Fault.CUT_REDIS: 4,
    Fault.HALF_CLOSE_REDIS: 2,
    Fault.LOSE_REDIS_REPLIES: 4,
    Fault.SLOW_REDIS: 3,
    Fault.CUT_ORACLES: 4,
    Fault.HALF_CLOSE_ORACLES: 2,
    Fault.LOSE_LEARNER_REPLIES: 4,
    Fault.SLOW_ORACLES: 2,
}
_MEAN_PAUSE_S = 1.5


class Saboteur:
    """Breaks one system; several faults may act at once."""

    def __init__(self, system: System, history: History, rng: random.Random) -> None:
        self._system, self._history, self._rng = system, history, rng
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
            Fault.LOSE_REDIS_REPLIES: lambda: self._lose_replies([system.redis_proxy]),
            Fault.SLOW_REDIS: lambda: self._slow([system.redis_proxy], 0.1),
            Fault.CUT_ORACLES: self._cut_oracles,
            Fault.HALF_CLOSE_ORACLES: self._half_close_oracles,
            Fault.LOSE_LEARNER_REPLIES: lambda: self._lose_replies(self._some_proxies()),
            Fault.SLOW_ORACLES: lambda: self._slow(self._some_proxies(), 0.5),
        }

    async def work(self, stopping: asyncio.Event) -> None:
        """Break things until told to stop, wait until the last faults end, and heal the rest."""
        async with asyncio.TaskGroup() as running:
            while not stopping.is_set():
                (fault,) = self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
                self.fault_counts[fault] += 1
                self._history.note("fault", fault=fault.value)
                running.create_task(self._methods[fault]())
                await asyncio.sleep(self._rng.expovariate(1 / _MEAN_PAUSE_S))
        await self._system.heal()

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
        await self._system.restart_redis()

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
        self._system.redis_proxy.cut(0.5, self._rng)

    async def _half_close_redis(self) -> None:
        self._system.redis_proxy.half_close(0.3, self._rng)

    async def _cut_oracles(self) -> None:
        for proxy in self._some_proxies():
            proxy.cut(1.0, self._rng)

    async def _half_close_oracles(self) -> None:
        for proxy in self._some_proxies():
            proxy.half_close(1.0, self._rng)

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
