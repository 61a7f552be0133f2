"""What the oracles work on: two pools, three tasks, and the true classes of their clips."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import numpy as np
from tests.chaos.recorded_client import RecordedClient

from aloe.client import (
    AdamRecipe,
    AsyncLearnerClient,
    KnownLabel,
    NewClip,
    Split,
)

_KIND_COUNT = 12
"""Clusters of clips; a multiple of every task's class count, so that a cluster has one class."""
_FIRST_CLIP_COUNT = 2_000
_MORE_CLIP_COUNT = 200
_SEED_LABELS_PER_CLASS = 5
_VALIDATION_COUNT = 60
DELETABLE_CLIPS = range(100, _FIRST_CLIP_COUNT)
"""Numbers of clips that are there at first and have no known labels."""
# Few epochs make rounds quick, so that many of them meet faults.
_RECIPE = AdamRecipe(epoch_count=10)


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task and how oracles treat it."""

    task_id: str
    pool_id: str
    classes: tuple[str, ...]
    lease_s: float
    label_budget: int | None = None
    """If there is one, an oracle raises it whenever it is spent."""
    is_seeded: bool = True
    """Whether it has seed labels and validation clips; otherwise it is a cold start."""

    def true_label(self, clip_id: str) -> str:
        return self.classes[int(clip_id.rpartition("-")[2]) % len(self.classes)]


VECTORS, HEARD = "vectors", "heard"
PLANS = (
    TaskPlan("brief", VECTORS, ("high", "low", "flat"), lease_s=1.5),
    TaskPlan("frugal", VECTORS, ("long", "short"), lease_s=3.0, label_budget=120),
    TaskPlan("heard", HEARD, ("cough", "sneeze", "laugh", "sigh"), lease_s=8.0, is_seeded=False),
)


class Scene:
    """The pools and tasks, and what the oracles share about them."""

    def __init__(self, seed: int) -> None:
        """Nothing is created yet."""
        self._seed = seed
        self._numbers: dict[str, count[int]] = defaultdict(count)
        self.embedding_dims: dict[str, int] = {}
        """By pool."""
        self.promised: dict[str, int] = {plan.task_id: 0 for plan in PLANS}
        """The newest head version that any oracle was promised, by task."""
        self.budgets = {plan.task_id: plan.label_budget for plan in PLANS}

    async def create(self, client: RecordedClient) -> None:
        """Create the pools and the tasks."""
        vectors = await client.plain.create_pool(
            VECTORS, encoder_fingerprint="chaos", embedding_dim=32
        )
        heard = await client.plain.create_pool(HEARD)
        for pool in (vectors, heard):
            self.embedding_dims[pool.pool_id] = pool.embedding_dim
            await self.grow(client.plain, pool.pool_id, _FIRST_CLIP_COUNT)
        for number, plan in enumerate(PLANS):
            await client.create_task(
                plan.task_id,
                plan.pool_id,
                plan.classes,
                head_recipe=_RECIPE,
                label_budget=plan.label_budget,
                lease_duration=timedelta(seconds=plan.lease_s),
                seed=self._seed + number,
            )
            if plan.is_seeded:
                await self._import_known(client, plan)

    async def grow(
        self, client: AsyncLearnerClient, pool_id: str, clip_count: int = _MORE_CLIP_COUNT
    ) -> None:
        """Add clips to a pool."""
        numbers = [next(self._numbers[pool_id]) for _ in range(clip_count)]
        await client.import_clips(pool_id, [self._clip(pool_id, number) for number in numbers])

    def promise(self, task_id: str, head_version: int | None) -> None:
        """Note a promised head version."""
        self.promised[task_id] = max(self.promised[task_id], head_version or 0)

    def _clip(self, pool_id: str, number: int) -> NewClip:
        dim = self.embedding_dims[pool_id]
        centre = np.random.default_rng(number % _KIND_COUNT).normal(size=dim)
        noise = np.random.default_rng((self._seed, number)).normal(size=dim)
        embedding = (centre + noise).astype(np.float32)
        return NewClip(clip_id(pool_id, number), embedding=embedding)

    async def _import_known(self, client: RecordedClient, plan: TaskPlan) -> None:
        ids = [clip_id(plan.pool_id, number) for number in range(_FIRST_CLIP_COUNT)]
        seed_count = _SEED_LABELS_PER_CLASS * len(plan.classes)
        validation = ids[seed_count : seed_count + _VALIDATION_COUNT]
        await client.plain.import_labels(plan.task_id, _known(plan, validation, Split.VALIDATION))
        result = await client.import_labels(
            plan.task_id, _known(plan, ids[:seed_count], Split.TRAIN)
        )
        self.promise(plan.task_id, result.head_version)


def clip_id(pool_id: str, number: int) -> str:
    """Name a clip."""
    return f"{pool_id}-{number:06d}"


def _known(plan: TaskPlan, clip_ids: Sequence[str], split: Split) -> list[KnownLabel]:
    return [KnownLabel(clip_id, plan.true_label(clip_id), split) for clip_id in clip_ids]
