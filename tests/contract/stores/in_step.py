"""One call after the other, each on the store in memory and on one in Redis: both must agree."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import LearnerError
from aloe.learner.domain.events import START_OF_LOG, Event, TaskView
from aloe.learner.domain.leases import LabelsDiffer, LeaseOutcome, RankingTooShort
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.task import SPLIT_OF_STATE, Task
from aloe.learner.ports.store import Store
from aloe.redis.connecting import RedisClient
from aloe.values.labels import LabelMode
from aloe.values.states import ClipState, EventKind

from .time_travel import Clock, make_older

_UNORDERED = (EventKind.LEASES_EXPIRED, EventKind.LEASES_RELEASED)
"""Which of some leases ends first is the store's business."""


@dataclass(frozen=True)
class Refusal:
    """What a call raised, for comparison."""

    kind: type[Exception]
    text: str


class Both:
    """A store in memory and one in Redis. Ids that they made are compared by name."""

    def __init__(self, runner: asyncio.Runner, redis_store: RedisStore, client: RedisClient):
        self._runner, self._client = runner, client
        self._clock = Clock()
        self._stores: tuple[Store, Store] = (MemoryStore(self._clock), redis_store)
        self._names: dict[str, str] = {}

    def call(self, make_call: Callable[[Store, int], Awaitable[Any]]) -> tuple[Any, Any]:
        """Make a call on each, given its place, and return what each came to; refusals too."""
        found = tuple(
            self._runner.run(_outcome(make_call(store, place)))
            for place, store in enumerate(self._stores)
        )
        if isinstance(found[0], LeaseOutcome) and isinstance(found[1], LeaseOutcome):
            for pair in zip(found[0].leases, found[1].leases, strict=False):
                self._name(*(lease.lease_id for lease in pair))
        plain = [self._plain(each) for each in found]
        assert plain[0] == plain[1]
        return found[0], found[1]

    def check_alike(self, task: Task) -> None:
        """Compare all that can be read of a task."""
        self.call(lambda store, _: store.read_task(task.task_id))
        labels, _ = self.call(lambda store, _: _labels(store, task))
        logs = self.call(lambda store, _: store.read_events(task, START_OF_LOG))
        if isinstance(logs[0], list):
            for pair in zip(*logs, strict=True):
                self._name(*(event.event_id for event in pair))
            assert _folded(logs[0], task) == [each[:-1] for each in labels]

    def check_pool_alike(self, pool: Pool, clip_ids: Sequence[str]) -> None:
        """Compare all that can be read of a pool."""
        counted, _ = self.call(lambda store, _: store.read_pool(pool.pool_id))
        self.call(lambda store, _: store.find_clips(pool.pool_id, clip_ids))
        changes, _ = self.call(lambda store, _: listed(store.read_changes(pool, 0, 10_000)))
        clips, _ = self.call(lambda store, _: listed(store.read_clips(pool, 0, 10_000)))
        assert counted.row_count == len(clips)
        assert counted.change_count == len(changes)
        assert counted.retired_count == sum(clip.is_retired for clip in clips)
        vectors, _ = self.call(lambda store, _: _first_values(store, pool))
        assert [clip.content_hash for clip in clips] == [f"hash-{each:g}" for each in vectors]

    def pass_time(self, task: Task, duration: timedelta) -> None:
        self._clock.now += duration
        self._runner.run(make_older(self._client, task.task_id, duration))

    def _name(self, memory_id: str, redis_id: str) -> None:
        """Take two ids for the same thing; that must not change."""
        name = self._names.setdefault(memory_id, f"id {len(self._names)}")
        assert self._names.setdefault(redis_id, name) == name

    def _plain(self, value: Any) -> Any:
        """Return a value without what may differ: ids by their names, no times."""
        match value:
            case list() | tuple():
                return [self._plain(each) for each in value]
            case LeaseOutcome():
                leases = [(self._names[each.lease_id], each.pick) for each in value.leases]
                return leases, value.pool_state, value.head_version
            case RoundTicket():
                cutoff = self._names[value.cutoff_event_id]
                return value.task, value.head_version, value.fence, cutoff
            case Event():
                lease_ids = tuple(self._names[lease_id] for lease_id in value.lease_ids)
                rows = sorted(value.rows) if value.kind in _UNORDERED else value.rows
                cutoff = value.cutoff_event_id and self._names[value.cutoff_event_id]
                return replace(
                    value,
                    event_id="",
                    lease_ids=lease_ids,
                    rows=tuple(rows),
                    cutoff_event_id=cutoff,
                )
            case _:
                return value


async def _outcome(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except (LearnerError, RankingTooShort, LabelsDiffer) as error:
        return Refusal(type(error), str(error))


async def listed(call: Awaitable[Any]) -> list[Any]:
    return list(await call)


async def _first_values(store: Store, pool: Pool) -> list[float]:
    vectors = await store.read_vectors(pool, 0)
    return [float(each) for each in vectors[:, 0]]


def _folded(log: Sequence[Event], task: Task) -> list[Any]:
    """What a log says of the labels that there are."""
    view = TaskView(0)
    for event in log:
        view.apply(event)
    is_several = task.label_mode is LabelMode.MULTIPLE
    folded = []
    for row in np.flatnonzero([state in SPLIT_OF_STATE for state in view.states]).tolist():
        index, state = int(view.class_indices[row]), ClipState(int(view.states[row]))
        has_set = is_several and index != NO_CLASS
        classes = view.class_sets[index] if has_set else None
        folded.append((row, state, NO_CLASS if has_set else index, classes))
    return folded


async def _labels(store: Store, task: Task) -> list[Any]:
    labels = await store.read_labels(task)
    return [
        (each.row, each.state, each.class_index, each.class_set, each.oracle_id) for each in labels
    ]
