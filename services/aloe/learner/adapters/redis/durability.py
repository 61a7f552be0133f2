"""Watches whether the Redis keeps what it is given: labels are people's time."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from aloe.learner.bulkheads import LOOKING_AT_REDIS, Threads
from aloe.learner.domain.errors import StoreUnavailable, StoreUnfit
from aloe.redis.faults import RedisFault
from aloe.redis.lineage import Lineage, what_happened
from aloe.redis.looking import Look, look_at_redis
from aloe.redis.rules import Concern, ConcernKind

_TIMEOUT_S = 3.0
_PERIOD_S = 5.0

Tell = Callable[[Collection[str]], None]
"""Is told what may cost labels now, as the values of ConcernKind, each time it was looked at."""

_log = logging.getLogger(__name__)


class DurabilityWatch:
    """Looks at the Redis of a URL, at once and then every few seconds, and logs what changes.

    Each look has connections of its own, so that it sees the server that took over in a failover,
    and a Redis that was started again with other settings.
    """

    def __init__(
        self,
        url: str,
        awaited_replica_count: int,
        tell: Tell = lambda _: None,
        *,
        period_s: float = _PERIOD_S,
    ) -> None:
        """Look at nothing yet."""
        self._url, self._awaited, self._tell = url, awaited_replica_count, tell
        self._period_s = period_s
        self._told: Mapping[ConcernKind, _Told] = {}
        self._lineages: dict[str, Lineage] = {}
        self._kept_all = True
        self._threads = Threads(LOOKING_AT_REDIS)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, then go on in the background.

        Raises:
            StoreUnfit: it is no Redis to keep labels in, or cannot be used as it is set up.
            StoreUnavailable: it cannot be reached.
        """
        try:
            concerns = (await self._look()).concerns
        except RedisFault as fault:
            raise (StoreUnavailable if fault.is_away else StoreUnfit)(str(fault)) from fault
        refused = [str(concern) for concern in concerns if concern.is_refused]
        if refused:
            raise StoreUnfit("; ".join(refused))
        self._note(_by_kind(concerns))
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look no more."""
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        self._threads.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._period_s)
            try:
                self._note(_by_kind((await self._look()).concerns))
            except RedisFault as fault:
                told = _Told(fault.found, str(fault))
                self._note({**self._told, ConcernKind.UNREACHABLE: told})
            except Exception:  # noqa: BLE001 - the next look may do better
                _log.exception("looking at Redis failed")

    async def _look(self) -> Look:
        look = await self._threads.run(
            partial(
                look_at_redis,
                self._url,
                timeout_s=_TIMEOUT_S,
                awaited_replica_count=self._awaited,
            )
        )
        self._follow(look)
        return look

    def _follow(self, look: Look) -> None:
        """Log what happened to servers since they were seen last; caches find out by themselves."""
        keeps_all = self._kept_all and look.keeps_all
        for server, now in look.lineages.items():
            before = self._lineages.get(server)
            turn = what_happened(before, now, keeps_all=keeps_all) if before else None
            if turn:
                level = logging.ERROR if turn.is_loss else logging.WARNING
                _log.log(level, "%s%s", f"{server}: " if server else "", turn.text)
        self._lineages |= look.lineages
        self._kept_all = look.keeps_all

    def _note(self, found: Mapping[ConcernKind, "_Told"]) -> None:
        """Log what is new and what is over, each once: by kind, since numbers change."""
        for kind, told in found.items():
            if kind not in self._told:
                _log.warning("%s", told.with_remedy)
        for kind in self._told.keys() - found.keys():
            _log.info("over: %s", self._told[kind].statement)
        self._told = found
        self._tell({kind.value for kind in found})


class _Told(NamedTuple):
    """What was said of a kind of concern."""

    statement: str
    with_remedy: str


def _by_kind(concerns: Sequence[Concern]) -> dict[ConcernKind, _Told]:
    """Servers of a cluster may share a concern."""
    found: dict[ConcernKind, list[Concern]] = {}
    for concern in concerns:
        found.setdefault(concern.kind, []).append(concern)
    return {
        kind: _Told("; ".join(each.statement for each in alike), "; ".join(map(str, alike)))
        for kind, alike in found.items()
    }
