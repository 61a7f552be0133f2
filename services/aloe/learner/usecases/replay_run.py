"""One task's log done again, event by event."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial

from aloe.learner.bulkheads import Threads
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import StoreDamaged, StoreWentBack
from aloe.learner.domain.events import START_OF_LOG, Event, TaskView
from aloe.learner.domain.learning import Known, known_labels, loss_of, trained_head
from aloe.learner.domain.leases import Basis, Pick
from aloe.learner.domain.replay import Replay, TrainedAgain, head_difference, pick_differences
from aloe.learner.domain.representations.pool_map import PoolMap
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.learner.recorder import NoRecorder
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.ranking import Ranking
from aloe.values.states import ClipState, EventKind, Split

_NO_RECORDER = NoRecorder()
_OTHER_POOL = (
    "the store went back after the query looked at the pool, which is another one since; or that is"
    " too many changes ago to tell"
)
_OLDER = "an older server logged it, or it came from a backup, without what it rests on"


@dataclass(frozen=True, slots=True)
class Workshop:
    """What it is done with."""

    store: Store
    pools: PoolCache
    maps: PoolMaps
    ranking: Ranking
    threads: Threads


@dataclass(slots=True)
class Plan:
    """When each head is to be trained and each ranking made, found by reading the log once."""

    last_event_id: str = START_OF_LOG
    event_count: int = 0
    trainings: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """Event to the heads that were trained on the labels as of it."""
    rankings: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """Event to the leases whose clips were ranked as of it."""
    last_uses: dict[int, str] = field(default_factory=dict)
    """Version of a head to the last lease that it ranked."""

    def take(self, event: Event) -> None:
        """Take the next event of the log."""
        self.last_event_id = event.event_id
        self.event_count += 1
        if event.kind is EventKind.HEAD_TRAINED and event.cutoff_event_id:
            self.trainings[event.cutoff_event_id].append(event)
        if event.kind is EventKind.CLIPS_LEASED and event.basis is not None:
            self.rankings[event.basis.event_id].append(event)
            self.last_uses[event.head_version] = event.event_id


class ReplayRun:
    """Goes through a log once."""

    def __init__(self, workshop: Workshop, task: Task, pool: CachedPool, plan: Plan) -> None:
        self.found = Replay(total_event_count=plan.event_count)
        self._with, self._task, self._pool, self._plan = workshop, task, pool, plan
        self._settings = task
        """As of the last event."""
        self._view = TaskView(0)
        self._heads: dict[int, TrainedAgain] = {}
        """By version, while they are of use."""
        self._ranked: dict[str, list[Pick]] = {}
        """Event of leases that is still to come to what was ranked for it."""
        self._lacking: dict[str, str] = {}
        """Event of leases that is still to come to why it cannot be ranked."""
        self._past: CachedPool | None = None

    @property
    def is_done(self) -> bool:
        """Whether all that the plan knows of is done."""
        return self._view.last_event_id == self._plan.last_event_id

    async def do(self, event: Event) -> None:
        """Do the next event of the log."""
        if event.kind is EventKind.CLIPS_LEASED:
            await self._compare_picks(event)
        elif event.kind is EventKind.HEAD_TRAINED:
            await self._compare_head(event)
        self._view.apply(event)
        if event.settings is not None:
            self._settings = event.settings
        for trained in self._plan.trainings.pop(event.event_id, ()):
            await self._train(trained)
        for leased in self._plan.rankings.pop(event.event_id, ()):
            await self._rank(leased)
        self.found.event_count += 1

    async def _train(self, event: Event) -> None:
        """Train the head of an event that is still to come, on the labels as they are now."""
        rows, known = known_labels(self._settings, self._view, Split.TRAIN)
        if len(rows) and rows[-1] >= self._pool.row_count:
            return
        try:
            vectors = await self._vectors(event.map_name)
        except StoreDamaged:
            return
        work = partial(_train, self._settings, vectors[rows], known, event)
        self._heads[event.head_version] = await self._with.threads.run(work)

    async def _compare_head(self, event: Event) -> None:
        again = self._heads.get(event.head_version)
        if again is None:
            lost = f"clips or the map {event.map_name!r} of head {event.head_version} are gone"
            self.found.cannot(event, 1, lost if event.cutoff_event_id else _OLDER)
            return
        if event.head_version not in self._plan.last_uses:
            del self._heads[event.head_version]
        store, self.found.head_count = self._with.store, self.found.head_count + 1
        rounds = await store.read_rounds(self._task, event.head_version, 1)
        stored = await store.read_head(self._task, event.head_version)
        text = head_difference(again, rounds[0] if rounds else None, stored)
        if text:
            self.found.differs(event, text)

    async def _rank(self, event: Event) -> None:
        """Rank clips as things are now, for leases that are still to come."""
        basis, again = event.basis, self._heads.get(event.head_version)
        assert basis is not None  # noqa: S101 - see Plan
        if basis.choice:
            self._lacking[event.event_id] = f"the query asked among {basis.choice}"
            return
        if event.head_version and again is None:
            self._lacking[event.event_id] = f"head {event.head_version} cannot be trained again"
            return
        if basis.row_count > self._pool.row_count:
            self._lacking[event.event_id] = "clips of the pool are gone"
            return
        try:
            pool_map = await self._map(basis.map_name)
            await self._with.pools.load(self._pool, pool_map)
        except StoreDamaged as error:
            self._lacking[event.event_id] = str(error)
            return
        cached = CachedTask(self._settings, _NO_RECORDER)
        cached.view = self._view
        head = again.head if again else None
        strategy = self._settings.query_strategy
        if event.query_strategy == strategy.without_graph:
            # Which of the two it was depends on how soon the graph was there.
            strategy = event.query_strategy
        ranked = await self._with.ranking.rank_on(
            cached,
            strategy,
            head,
            self._pool_of(basis),
            pool_map,
            batch_size=basis.batch_size,
            most=basis.most,
        )
        self._ranked[event.event_id] = ranked.picks
        if ranked.by != event.query_strategy:
            self.found.differs(event, f"{event.query_strategy} in the log, {ranked.by} was set")

    async def _compare_picks(self, event: Event) -> None:
        picks = self._ranked.pop(event.event_id, None)
        if self._plan.last_uses.get(event.head_version) == event.event_id:
            self._heads.pop(event.head_version, None)
        if picks is None:
            why = _OLDER
            if event.basis is not None:
                lost = f"the log has no event {event.basis.event_id}"
                why = self._lacking.pop(event.event_id, lost)
            self.found.cannot(event, len(event.rows), why)
            return
        self._view.grow(self._pool.row_count)
        free = [pick for pick in picks if self._view.states[pick.row] == ClipState.UNLABELED]
        texts = pick_differences(event, free, lambda row: self._pool.clips[row].clip_id)
        differences = list(texts)
        if differences and not await self._has_known(event.basis):
            self.found.cannot(event, len(event.rows), _OTHER_POOL)
            return
        self.found.pick_count += len(event.rows)
        for text in differences:
            self.found.differs(event, text)

    async def _has_known(self, basis: Basis | None) -> bool:
        """Whether the pool is still the one that a query looked at, with what followed."""
        if basis is None:
            return True
        try:
            await self._with.store.check_pool(replace(self._pool.pool, mark=basis.mark))
        except StoreWentBack:
            return False
        return True

    async def _map(self, name: str) -> PoolMap | None:
        return await self._with.maps.named(self._task.pool_id, name) if name else None

    async def _vectors(self, map_name: str) -> Float32Array:
        return await self._with.pools.load(self._pool, await self._map(map_name))

    def _pool_of(self, basis: Basis) -> CachedPool:
        """Return the pool as it was; the same again where nothing changed since."""
        counts = basis.row_count, basis.retired_count
        past = self._past
        if (
            past is None
            or (past.row_count, len(past.retired_rows)) != counts
            or not past.has(basis.map_name)
        ):
            past = self._past = self._pool.as_of(*counts)
        return past


def _train(task: Task, embeddings: Float32Array, known: Known, event: Event) -> TrainedAgain:
    """Train a head as run_round does."""
    head = trained_head(
        task, embeddings, known, version=event.head_version, map_name=event.map_name
    )
    return TrainedAgain(head, loss_of(head, embeddings, known), len(known))
