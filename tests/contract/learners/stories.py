"""Random stories of two learners on a Redis that goes back at times, beside what must be so."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.contract.stores.rollback import Snapshot

from aloe.learner.domain.clip_changes import ImportRules
from aloe.learner.domain.errors import HeadNotTrained, InvalidInput, LeaseLost, StoreUnavailable
from aloe.learner.domain.pool import NamedClip
from aloe.learner.usecases.label_import import KnownLabel
from aloe.learner.usecases.labeling import LeasedClip, OracleAnswer
from aloe.learner.usecases.predicting import NamedClips
from aloe.values.classes import (
    AddClass,
    ClassChange,
    DescribeClass,
    MergeClass,
    RenameClass,
    RestoreClass,
    RetireClass,
)
from aloe.values.states import Split

from .worlds import CLASSES, World, content_of, truth

T = TypeVar("T")
ORACLES = ("ann", "bob")
REPLACE = ImportRules(replace=True)
_CALL_S = 10.0
"""Far more than a call takes: what lasts longer hangs."""
_TRIES = 5
_KEPT_SNAPSHOTS = 4


@dataclass
class Model:
    """What is so, if nothing is lost or moved but by going back."""

    clips: dict[int, str] = field(default_factory=dict)
    """By content its name."""
    labeled: set[int] = field(default_factory=set)
    held: dict[str, int] = field(default_factory=dict)
    """By lease id the content."""

    def take_out(self, contents: set[int]) -> None:
        for content in contents:
            del self.clips[content]
        self.keep_what_is_there()

    def keep_what_is_there(self) -> None:
        self.labeled &= self.clips.keys()
        self.held = {each: content for each, content in self.held.items() if content in self.clips}

    @property
    def free_count(self) -> int:
        return len(self.clips.keys() - self.labeled - set(self.held.values()))


class Story:
    """One story, the same for a seed but for how fast things happen."""

    def __init__(self, world: World, seed: int, **settings: Any) -> None:
        """Take the settings of its task."""
        self.world, self.random, self.settings = world, random.Random(seed), settings
        self.model = Model()
        self.told: dict[str, tuple[LeasedClip, str]] = {}
        """Every lease that an oracle ever got, and the oracle."""
        self.pasts: list[tuple[dict[str, Snapshot], Model]] = []
        self.content = self.call_count = 0
        self.steps: list[str] = []
        self.went_apart = False
        """Whether pool or task ever went back without the other."""

    async def run(self, step_count: int) -> None:
        await self.world.create(**self.settings)
        await self.add()
        await self.note()
        actions: dict[Callable[[], Awaitable[None]], int] = {
            self.add: 3, self.replace: 1, self.delete: 1, self.rename: 1, self.query: 8,
            self.answer: 6, self.release: 1, self.renew: 1, self.import_labels: 2,
            self.predict: 2, self.note: 2, self.go_back: 2, self.cut_off: 1, self.reclass: 3,
        }  # fmt: skip
        for _ in range(step_count):
            (action,) = self.random.choices(list(actions), list(actions.values()))
            self.steps.append(action.__name__)
            await action()
            if self.random.random() < 0.25:
                await self.check()
        await self.check()
        await self.end()

    async def call(self, make: Callable[[], Awaitable[T]]) -> T:
        """Make a call as clients do: again where Redis was away for a moment, but not for ever."""
        for tries_left in reversed(range(_TRIES)):
            try:
                async with asyncio.timeout(_CALL_S):
                    return await make()
            except StoreUnavailable:
                if not tries_left:
                    raise
        raise AssertionError

    @property
    def at(self) -> int:
        return self.random.randrange(2)

    def some(self, contents: Any, most: int) -> list[Any]:
        known = sorted(contents)
        return self.random.sample(known, min(len(known), self.random.randint(1, most)))

    async def add(self) -> None:
        contents = self.new_contents(self.random.randint(1, 6))
        at = self.at
        names = [
            f"clip-{len(self.model.clips) + place}-{self.at}" for place in range(len(contents))
        ]
        if set(names) & set(self.model.clips.values()):
            names = [f"clip-of-{content}" for content in contents]
        await self.call(lambda: self.world.add(names, contents, at))
        self.model.clips |= dict(zip(contents, names, strict=True))

    async def replace(self) -> None:
        old = self.some(self.model.clips, 2)
        names, at = [self.model.clips[each] for each in old], self.at
        contents = self.new_contents(len(old))
        await self.call(lambda: self.world.add(names, contents, at, REPLACE))
        self.model.take_out(set(old))
        self.model.clips |= dict(zip(contents, names, strict=True))

    def new_contents(self, count: int) -> list[int]:
        first, self.content = self.content, self.content + count
        return list(range(first, first + count))

    async def delete(self) -> None:
        if len(self.model.clips) < 4:
            return
        gone, at = self.some(self.model.clips, 2), self.at
        names = [self.model.clips[each] for each in gone]
        await self.call(
            lambda: self.world.learners[at].pools.delete_clips(self.world.pool_id, names)
        )
        self.model.take_out(set(gone))

    async def rename(self) -> None:
        (content,) = self.some(self.model.clips, 1)
        name, new, at = self.model.clips[content], f"renamed-{self.call_count}", self.at
        self.call_count += 1
        await self.call(
            lambda: self.world.learners[at].pools.rename_clip(self.world.pool_id, name, new)
        )
        self.model.clips[content] = new

    async def query(self) -> None:
        count, at, oracle_id = self.random.randint(1, 5), self.at, self.random.choice(ORACLES)
        self.call_count += 1
        request_id = f"request-{self.call_count}-{len(self.told)}"
        found = await self.call(lambda: self.world.query(count, at, oracle_id, request_id))
        assert found or not self.model.free_count
        for each in found:
            content = content_of(each.clip)
            assert content in self.model.clips, f"{each.clip} is not in the pool"
            assert content not in self.model.labeled, f"{each.clip} is labeled already"
            assert content not in self.model.held.values(), f"{each.clip} is held already"
            self.model.held[each.lease.lease_id] = content
            self.told[each.lease.lease_id] = each, oracle_id

    async def answer(self) -> None:
        """Answer under leases that are held, or under one that was lost: then nothing is stored."""
        lost = self.told.keys() - self.model.held.keys()
        if lost and self.random.random() < 0.3:
            (lease_id,) = self.some(lost, 1)
            await self.answer_late(lease_id)
            return
        oracle_id, at = self.random.choice(ORACLES), self.at
        mine = [each for each in self.model.held if self.told[each][1] == oracle_id]
        if not mine:
            return
        chosen = self.some(mine, 4)
        answers = [OracleAnswer(each, truth(self.told[each][0].clip)) for each in chosen]
        await self.call(
            lambda: self.world.learners[at].labeling.submit(
                self.world.task_id, oracle_id, answers, ""
            )
        )
        self.model.labeled |= {self.model.held.pop(each) for each in chosen}

    async def answer_late(self, lease_id: str) -> None:
        """Answer under a lease that is not held: of an answered, released or lost clip."""
        leased, oracle_id = self.told[lease_id]
        content, at = content_of(leased.clip), self.at
        answer = OracleAnswer(lease_id, truth(leased.clip))
        try:
            await self.call(
                lambda: self.world.learners[at].labeling.submit(
                    self.world.task_id, oracle_id, [answer], ""
                )
            )
        except LeaseLost:
            return
        if content not in self.model.clips:
            # The task cannot see the pool. Where that alone went back, a lease that had ended is
            # remembered, and a late answer is taken until somebody looks at both.
            assert self.went_apart
            await self.query()
            return
        assert content not in self.model.held.values()
        self.model.labeled.add(content)

    async def release(self) -> None:
        await self.on_held("release", lambda labeling, *args: labeling.release(*args))
        # What was released may be renewed, and is free until then.

    async def renew(self) -> None:
        await self.on_held("renew", lambda labeling, *args: labeling.renew(*args, None))

    async def on_held(self, what: str, call: Callable[..., Awaitable[object]]) -> None:
        if not self.model.held:
            return
        (lease_id,) = self.some(self.model.held, 1)
        labeling, oracle_id = self.world.learners[self.at].labeling, self.told[lease_id][1]
        await self.call(lambda: call(labeling, self.world.task_id, oracle_id, [lease_id]))
        if what == "release":
            del self.model.held[lease_id]

    async def import_labels(self) -> None:
        contents, at = self.some(self.model.clips, 4), self.at
        known = [
            KnownLabel(self.world.pool_id, self.model.clips[each], CLASSES[each % 2], Split.TRAIN)
            for each in contents
        ]
        await self.call(
            lambda: self.world.learners[at].label_importer.import_labels(self.world.task_id, known)
        )
        self.model.labeled |= set(contents)
        held = self.model.held.items()
        self.model.held = {each: content for each, content in held if content not in contents}

    async def predict(self) -> None:
        contents, at = self.some(self.model.clips, 3), self.at
        clips = NamedClips(
            [NamedClip(self.world.pool_id, self.model.clips[each]) for each in contents]
        )
        try:
            found = await self.call(
                lambda: self.world.learners[at].predictor.predict(
                    self.world.task_id, clips, min_head_version=0
                )
            )
        except HeadNotTrained:
            return
        assert not found.failures

    async def reclass(self) -> None:
        """Change classes; what is answered stays the name of what it was, or a former one."""
        name, other = self.random.choice(CLASSES), f"more-{self.random.randrange(6)}"
        changes: list[ClassChange] = [
            AddClass(other),
            RenameClass(name, f"{name}-too"),
            RenameClass(name, name),
            MergeClass(other, name),
            RetireClass(other),
            RestoreClass(other),
            DescribeClass(name, self.random.choice(["", "heard often"])),
        ]
        change, at = self.random.choice(changes), self.at
        with suppress(InvalidInput):  # There is no such class, or it is merged or retired.
            await self.call(
                lambda: self.world.learners[at].reclassing.change(self.world.task_id, change)
            )

    async def note(self) -> None:
        """Remember a state to go back to."""
        states = {which: await self.world.note(which) for which in ("pool", "task", "all")}
        self.pasts = [*self.pasts, (states, deepcopy(self.model))][-_KEPT_SNAPSHOTS:]

    async def go_back(self) -> None:
        """Go back: the whole store, or, as shards of a cluster do, the pool or the task alone."""
        which = self.random.choice(["all", "all", "pool", "task"])
        place = self.random.randrange(len(self.pasts))
        states, past = self.pasts[place]
        self.steps.append(f"{which} to state {place - len(self.pasts)}")
        await self.world.go_back(states[which])
        if which in ("all", "pool"):
            self.model.clips = dict(past.clips)
        if which in ("all", "task"):
            self.model.labeled, self.model.held = set(past.labeled), dict(past.held)
        self.model.keep_what_is_there()
        # What led to other states than this one is not to be had any more.
        self.pasts = self.pasts[: place + 1] if which == "all" else []
        if which != "all":
            self.went_apart = True
            # Whoever looks first settles the task with the pool.
            await self.query()
            await self.note()

    async def cut_off(self) -> None:
        """Cut all connections, to a server that knows no scripts: as after a failover."""
        await self.world.client.script_flush()
        await self.world.client.client_kill_filter(_type="normal", skipme=True)

    async def check(self) -> None:
        """Compare all that can be read with what must be so."""
        for at in (0, 1):
            labels = await self.call(lambda at=at: self.world.labels(at))  # type: ignore[misc]
            assert set(labels) == self.model.labeled
        state = await self.call(lambda: self.world.learners[0].tasks.get(self.world.task_id))
        progress = state.progress
        assert (progress.labeled, progress.leased, state.clip_count) == (
            len(self.model.labeled),
            len(self.model.held),
            len(self.model.clips),
        )
        clips, _ = await self.world.learners[1].pools.list_clips(self.world.pool_id, 0, 10_000)
        assert {content_of(clip): clip.clip_id for clip in clips} == self.model.clips

    async def end(self) -> None:
        """Both learners train what is due, to the same head."""
        state = await self.call(lambda: self.world.learners[0].tasks.get(self.world.task_id))
        version = state.progress.promised_head_version
        if not version:
            return
        heads = []
        for learner in self.world.learners:
            cached_version = -1
            while cached_version < version:
                await self.call(
                    lambda learner=learner: learner.predictor.predict(  # type: ignore[misc]
                        self.world.task_id,
                        NamedClips([]),
                        min_head_version=version,
                    )
                )
                # A prediction may be by a head of a moment ago, of before the store went back.
                with suppress(HeadNotTrained):
                    head = (await learner.tasks.head(self.world.task_id, "")).head
                    cached_version = head.version
            heads.append(head.weights.tolist())
        assert heads[0] == heads[1]
