"""Some learners in this process on one Redis, and oracles that answer what they heard."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import redis.asyncio
from tests.contract.stores.rollback import Snapshot, go_back, keys_of, snapshot

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.clip_changes import ImportRules
from aloe.learner.domain.leases import LabelsOutcome
from aloe.learner.domain.pool import Clip
from aloe.learner.domain.task import Task
from aloe.learner.ports.pools import NO_RULES
from aloe.learner.usecases.appending import ImportReport
from aloe.learner.usecases.choosing import Question
from aloe.learner.usecases.import_run import EmbeddedClips
from aloe.learner.usecases.labeling import LeasedClip, OracleAnswer, QueryOutcome
from aloe.learner.usecases.learner import Learner
from aloe.redis.connecting import RedisClient
from aloe.values.recipes import AdamRecipe

CLASSES = ("even", "odd")
DIM = 4


def hash_of(content: int) -> str:
    return f"content-{content}"


def content_of(clip: Clip) -> int:
    return int(clip.content_hash.removeprefix("content-"))


def truth(clip: Clip) -> str:
    """What an oracle answers that hears a clip."""
    return CLASSES[content_of(clip) % 2]


def vectors_of(contents: Iterable[int]) -> Float32Array:
    rows = [(content, content % 2, 1, -content) for content in contents]
    return np.array(rows, np.float32).reshape(-1, DIM)


@dataclass
class World:
    """Two learners, a pool and a task."""

    pool_id: str
    task_id: str
    client: RedisClient
    stores: list[RedisStore]
    learners: list[Learner] = field(default_factory=list)

    async def create(self, **settings: Any) -> None:
        """Make the pool and the task, of which they may be none."""
        await self.learners[0].pools.create(
            self.pool_id, encoder_id="", fingerprint="f", embedding_dim=DIM, keep_audio=False
        )
        recipe = AdamRecipe(learning_rate=0.1, epoch_count=2)
        settings = {"head_recipe": recipe} | settings
        await self.learners[0].tasks.create(self.task(**settings))

    def task(self, **settings: Any) -> Task:
        """Return a task to create."""
        return Task(
            self.task_id,
            self.pool_id,
            CLASSES,
            epoch=f"epoch-{datetime.now(UTC).timestamp()}",
            create_time=datetime.now(UTC),
            **settings,
        )

    async def add(
        self,
        names: Sequence[str],
        contents: Sequence[int],
        at: int = 0,
        rules: ImportRules = NO_RULES,
    ) -> ImportReport:
        """Import clips through one of the learners."""
        clips = [Clip(*each) for each in zip(names, map(hash_of, contents), strict=True)]

        async def batches() -> AsyncIterator[EmbeddedClips]:
            yield EmbeddedClips(clips, vectors_of(contents))

        importer = self.learners[at].importer
        return await importer.import_clips(self.pool_id, "", batches(), rules)

    async def query(
        self, count: int, at: int = 0, oracle_id: str = "ann", request_id: str = ""
    ) -> Sequence[LeasedClip]:
        return (await self.ask(count, at, oracle_id, request_id)).leases

    async def ask(
        self,
        count: int,
        at: int = 0,
        oracle_id: str = "ann",
        request_id: str = "",
        *,
        min_head_version: int = 0,
    ) -> QueryOutcome:
        """Query, for all that is answered."""
        return await self.learners[at].labeling.query(
            self.task_id, Question(oracle_id, count, min_head_version, request_id=request_id)
        )

    async def answer(
        self, heard: Sequence[LeasedClip], at: int = 0, oracle_id: str = "ann"
    ) -> LabelsOutcome:
        """Answer what was heard."""
        answers = [OracleAnswer(each.lease.lease_id, truth(each.clip)) for each in heard]
        return await self.learners[at].labeling.submit(self.task_id, oracle_id, answers, "")

    async def labels(self, at: int = 0) -> dict[int, str]:
        """Return what is exported, by content; every label must be true of its clip."""
        _, _, exported = await self.learners[at].tasks.labels(self.task_id)
        found = {}
        for each in [each async for some in exported for each in some]:
            label = CLASSES[each.label.class_index]  # Whatever it is called by now.
            assert label == truth(each.clip), f"{each.clip} has a label of another clip"
            found[content_of(each.clip)] = label
        return found

    def keys(self, which: str = "all") -> tuple[str, ...]:
        """Patterns of the keys of the pool, of the task, or of both."""
        *pool, task = keys_of(self.pool_id, self.task_id)
        return {"all": (*pool, task), "pool": tuple(pool), "task": (task,)}[which]

    async def note(self, which: str = "all") -> Snapshot:
        return await snapshot(self.client, self.keys(which))

    async def go_back(self, to: Snapshot) -> None:
        await go_back(self.client, to)


@asynccontextmanager
async def world_on(
    url: str, name: str, kind: type[RedisStore] = RedisStore
) -> AsyncIterator[World]:
    """Start two learners; the first one's store may be of another kind."""
    stores = [kind.of_url(url), RedisStore.of_url(url)]
    client = redis.asyncio.Redis.from_url(url)
    nothing: Any = None  # No clip has audio.
    world = World(f"pool-{name}", f"task-{name}", client, stores)
    world.learners = [
        Learner(
            store,
            nothing,
            nothing,
            lambda: datetime.now(UTC),
            recording_files=nothing,
            recording_decoder=nothing,
        )
        for store in stores
    ]
    try:
        yield world
    finally:
        for learner in world.learners:
            await learner.trainer.stop()
        for store in stores:
            await store.close()
        await client.aclose()
