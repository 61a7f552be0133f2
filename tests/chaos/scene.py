"""What the oracles work on: two pools, five tasks, and the true classes of their clips.

A clip's content is told by its URI, which stands for the sound that an oracle would hear, and by
its vector. Names are given, given on and taken away; contents stay what they are.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from tests.chaos.disruptions import Rollback
from tests.chaos.recorded_client import RecordedClient
from tests.chaos.recordings import CUT, Recordings, kind_of, recording_id, window_ids

from aloe.client import (
    AdamRecipe,
    Clip,
    Float32Array,
    KnownLabel,
    Label,
    LabelMode,
    LabelSet,
    NewClip,
    Split,
    Unmentioned,
)

_KIND_COUNT = 12
"""Clusters of clips; a multiple of every task's class count, so that a cluster has one class."""
_FIRST_CLIP_COUNT = 600
_MORE_CLIP_COUNT = 100
_FEW_CLIP_COUNT = 8
_SEED_LABELS_PER_CLASS = 5
_VALIDATION_COUNT = 60
_FIRST_CHANGEABLE = 100
"""The clips before have known labels."""
_WHAT_BECOMES = 8
"""Of each so many clips in turn, one may be deleted, one renamed and one replaced."""
_RECENT = 4
"""Recordings that somebody may import once more."""
_PROMISES_KEPT = 1_000
"""Of a task; more than are made in the time that a rollback takes back."""
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
    label_mode: LabelMode = LabelMode.SINGLE
    unmentioned: Unmentioned = Unmentioned.NEGATIVE

    @property
    def twin(self) -> str:
        """A class that means the same as the first one; it is merged, retired and restored."""
        return f"{self.classes[0]}-too"

    def true_label(self, content: str) -> Label:
        """Return the class of a clip, or in tasks of several labels all of them."""
        number = kind_of(content) if "~" in content else int(content.rpartition("/")[2])
        kind = number % _KIND_COUNT
        if self.label_mode is LabelMode.SINGLE:
            return self.classes[kind % len(self.classes)]
        positive = tuple(each for n, each in enumerate(self.classes) if kind >> n & 1)
        if self.unmentioned is Unmentioned.NEGATIVE:
            return LabelSet(positive)
        return LabelSet(positive, tuple(each for each in self.classes if each not in positive))


@dataclass(frozen=True, slots=True)
class _Promise:
    """A head version that a call was promised."""

    start_s: float
    end_s: float
    head_version: int


VECTORS, HEARD = "vectors", "heard"
PLANS = (
    TaskPlan("brief", VECTORS, ("high", "low", "flat"), lease_s=1.5),
    TaskPlan("frugal", VECTORS, ("long", "short"), lease_s=3.0, label_budget=120),
    TaskPlan("heard", HEARD, ("cough", "sneeze", "laugh", "sigh"), lease_s=8.0, is_seeded=False),
    TaskPlan("mixed", VECTORS, ("rain", "wind", "bird"), 2.0, label_mode=LabelMode.MULTIPLE),
    TaskPlan(
        "vague",
        HEARD,
        ("engine", "voice", "water"),
        lease_s=8.0,
        is_seeded=False,
        label_mode=LabelMode.MULTIPLE,
        unmentioned=Unmentioned.UNKNOWN,
    ),
)


class Scene:
    """The pools and tasks, and what the oracles share about them."""

    def __init__(self, seed: int, folder: Path) -> None:
        """Nothing is created yet; recordings lie in a folder."""
        self._seed = seed
        self._files = Recordings(folder)
        self._recording_count = 0
        self._recordings: list[int] = []
        """Imported, perhaps in part, and not deleted."""
        self._numbers: Counter[str] = Counter()
        self.embedding_dims: dict[str, int] = {}
        """By pool."""
        self._promises: dict[str, deque[_Promise]] = {
            plan.task_id: deque(maxlen=_PROMISES_KEPT) for plan in PLANS
        }
        self._rollbacks: list[Rollback] = []
        self._content_of_vector: dict[bytes, str] = {}
        self.budgets = {plan.task_id: plan.label_budget for plan in PLANS}

    async def create(self, client: RecordedClient) -> None:
        """Create the pools and the tasks."""
        vectors = await client.plain.create_pool(
            VECTORS, encoder_fingerprint="chaos", embedding_dim=32
        )
        heard = await client.plain.create_pool(HEARD)
        await self._files.embed(client.plain)
        for pool in (vectors, heard):
            self.embedding_dims[pool.pool_id] = pool.embedding_dim
            await self.grow(client, pool.pool_id, _FIRST_CLIP_COUNT)
        for number, plan in enumerate(PLANS):
            is_several = plan.label_mode is LabelMode.MULTIPLE
            await client.create_task(
                plan.task_id,
                plan.pool_id,
                (*plan.classes, plan.twin),
                label_mode=plan.label_mode,
                unmentioned=plan.unmentioned if is_several else None,
                head_recipe=_RECIPE,
                label_budget=plan.label_budget,
                lease_duration=timedelta(seconds=plan.lease_s),
                seed=self._seed + number,
            )
            if plan.is_seeded:
                await self._import_known(client, plan)

    async def grow(
        self, client: RecordedClient, pool_id: str, clip_count: int = _MORE_CLIP_COUNT
    ) -> None:
        """Add clips to a pool."""
        numbers = [self._next_number(pool_id) for _ in range(clip_count)]
        clips = [self._clip(pool_id, clip_id(pool_id, number), number) for number in numbers]
        await client.import_clips(pool_id, clips)

    async def grow_little(self, client: RecordedClient, pool_id: str, rng: random.Random) -> None:
        """Add a few clips to a pool."""
        await self.grow(client, pool_id, rng.randint(1, _FEW_CLIP_COUNT))

    async def delete(self, client: RecordedClient, pool_id: str, rng: random.Random) -> None:
        """Delete a few clips, answered or held by anyone, or gone already."""
        await client.delete_clips(pool_id, [self._changeable(pool_id, 0, rng) for _ in range(3)])

    async def rename(self, client: RecordedClient, pool_id: str, rng: random.Random) -> None:
        """Give a clip another name, or back the one that it had."""
        names = [self._changeable(pool_id, 1, rng)]
        names.append(f"{names[0]}-renamed")
        rng.shuffle(names)
        await client.rename_clip(pool_id, *names)

    async def replace(self, client: RecordedClient, pool_id: str, rng: random.Random) -> None:
        """Import another content under the name of a clip."""
        name = self._changeable(pool_id, 2, rng)
        clip = self._clip(pool_id, name, self._next_number(pool_id))
        await client.import_clips(pool_id, [clip], replace=True)

    async def cut(self, client: RecordedClient, rng: random.Random) -> None:
        """Import a recording in windows: a new one, or one that somebody may have imported."""
        if self._recordings and rng.random() < 0.5:
            await self._cut(client, rng.choice(self._recordings[-_RECENT:]))
        else:
            await self.cut_new(client)

    async def cut_new(self, client: RecordedClient) -> None:
        """Import a recording in windows that nobody has imported."""
        number = self._recording_count
        self._recording_count += 1
        try:
            await self._cut(client, number)
        finally:
            # Only now may others delete it.
            self._recordings.append(number)

    async def _cut(self, client: RecordedClient, number: int) -> None:
        await client.import_recording(
            HEARD, recording_id(number), self._files.file(number), CUT, window_ids(number)
        )

    async def delete_recording(self, client: RecordedClient, rng: random.Random) -> None:
        """Delete a recording with its windows; nobody imports it again."""
        if self._recordings:
            number = self._recordings.pop(rng.randrange(len(self._recordings)))
            await client.delete_recording(HEARD, recording_id(number), window_ids(number))

    def promise(self, task_id: str, head_version: int | None, start_s: float) -> None:
        """Note a head version promised now, by a call that began at start_s."""
        end_s = time.monotonic()
        if head_version is not None and not any(
            each.may_undo(start_s, end_s) for each in self._rollbacks
        ):
            self._promises[task_id].append(_Promise(start_s, end_s, head_version))

    def roll_back(self, rollback: Rollback) -> None:
        """Forget what was promised meanwhile: it need not come."""
        self._rollbacks.append(rollback)
        for promises in self._promises.values():
            kept = [each for each in promises if not rollback.may_undo(each.start_s, each.end_s)]
            promises.clear()
            promises.extend(kept)

    @property
    def promised(self) -> Mapping[str, int]:
        """The newest head version that any oracle was promised, by task."""
        return {
            task_id: max((each.head_version for each in promises), default=0)
            for task_id, promises in self._promises.items()
        }

    def content_of(self, clip: Clip, embedding: Float32Array) -> str:
        """The content whose vector this is, of any pool; empty if it is nobody's."""
        if clip.recording_id:
            return self._files.content_of(clip, embedding)
        return self._content_of_vector.get(embedding.tobytes(), "")

    def _changeable(self, pool_id: str, kind: int, rng: random.Random) -> str:
        end = self._numbers[pool_id]
        return clip_id(pool_id, rng.randrange(_FIRST_CHANGEABLE + kind, end, _WHAT_BECOMES))

    def _next_number(self, pool_id: str) -> int:
        self._numbers[pool_id] += 1
        return self._numbers[pool_id] - 1

    def _clip(self, pool_id: str, name: str, number: int) -> NewClip:
        dim = self.embedding_dims[pool_id]
        centre = np.random.default_rng(number % _KIND_COUNT).normal(size=dim)
        noise = np.random.default_rng((self._seed, number)).normal(size=dim)
        embedding = (centre + noise).astype(np.float32)
        content = _content(pool_id, number)
        self._content_of_vector[embedding.tobytes()] = content
        return NewClip(name, embedding=embedding, uri=content)

    async def _import_known(self, client: RecordedClient, plan: TaskPlan) -> None:
        seed_count = _SEED_LABELS_PER_CLASS * len(plan.classes)
        validation = range(seed_count, seed_count + _VALIDATION_COUNT)
        await client.plain.import_labels(plan.task_id, _known(plan, validation, Split.VALIDATION))
        start_s = time.monotonic()
        result = await client.import_labels(
            plan.task_id, _known(plan, range(seed_count), Split.TRAIN)
        )
        self.promise(plan.task_id, result.head_version, start_s)


def clip_id(pool_id: str, number: int) -> str:
    """Name a clip."""
    return f"{pool_id}-{number:06d}"


def _content(pool_id: str, number: int) -> str:
    return f"chaos://{pool_id}/{number}"


def _known(plan: TaskPlan, numbers: Sequence[int], split: Split) -> list[KnownLabel]:
    return [
        KnownLabel(
            clip_id(plan.pool_id, number), plan.true_label(_content(plan.pool_id, number)), split
        )
        for number in numbers
    ]
