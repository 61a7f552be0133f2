"""Oracles that behave like people on bad networks: answer late, twice, wrongly or never."""

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from tests.chaos.opinions import TWIN_SHARE, several_labels
from tests.chaos.recorded_client import RecordedClient, content_of, new_request_id
from tests.chaos.scene import PLANS, Scene, TaskPlan

from aloe.client import (
    AddClass,
    Answer,
    ClassChange,
    DeadlineExceeded,
    DescribeClass,
    Internal,
    Label,
    LabelMode,
    LabelSet,
    Lease,
    LeaseLost,
    MergeClass,
    Overloaded,
    Pcm,
    PoolState,
    RenameClass,
    RestoreClass,
    RetireClass,
    SubmitResult,
    Unavailable,
)
from aloe.client.errors import AloeError

T = TypeVar("T")
_MAX_CLIPS = 5
_ATTEMPTS = 6
_HEADS_BEFORE_CORRECTIONS = 10
_OUTCOME_UNKNOWN = (Unavailable, DeadlineExceeded, Overloaded, Internal)


@dataclass(frozen=True, slots=True)
class _Answered:
    """An answer that may be corrected."""

    plan: TaskPlan
    lease_id: str
    label: Label | None


class ChaoticOracle:
    """One oracle. It makes one call at a time, each to a random replica."""

    def __init__(
        self,
        clients: Sequence[RecordedClient],
        scene: Scene,
        rng: random.Random,
        *,
        raises_budgets: bool,
    ) -> None:
        """Take a client for each replica; exactly one oracle should raise budgets."""
        self._clients, self._scene, self._rng = clients, scene, rng
        self._raises_budgets = raises_budgets
        self._answered: deque[_Answered] = deque(maxlen=30)
        self._habits: dict[Callable[[TaskPlan], Awaitable[None]], int] = {
            self._label: 75,
            self._correct: 8,
            self._predict: 10,
            self._look: 5,
            self._read_rounds: 2,
            self._change_pool: 10,
            self._change_classes: 10,
            self._cut: 4,
        }

    async def work(self, stopping: asyncio.Event) -> None:
        """Act until told to stop. Failing calls are expected."""
        while not stopping.is_set():
            (habit,) = self._rng.choices(list(self._habits), list(self._habits.values()))
            try:
                await habit(self._rng.choice(PLANS))
            except AloeError:
                continue  # The history has it.
            finally:
                await asyncio.sleep(self._rng.uniform(0, 0.1))

    async def _label(self, plan: TaskPlan) -> None:
        request_id, clip_count = new_request_id(), self._rng.randint(1, _MAX_CLIPS)
        min_head_version = self._wanted_head(plan)
        asked = await self._until_told(
            lambda client: client.query(
                plan.task_id,
                max_clip_count=clip_count,
                min_head_version=min_head_version,
                request_id=request_id,
            )
        )
        if asked is None:
            return
        if not asked.leases:
            await self._make_room(plan, asked.pool_state)
            return
        leases = asked.leases
        fate = self._rng.random()
        if fate < 0.06:
            return  # As if the oracle had crashed: nobody answers these.
        if fate < 0.13:
            await self._any_client().release_leases(
                plan.task_id, [lease.lease_id for lease in leases]
            )
            return
        if fate < 0.28:
            await self._wait_past_expiry(plan, leases)
        if self._rng.random() < 0.1:
            await self._any_client().renew_leases(
                plan.task_id, [lease.lease_id for lease in leases]
            )
        await self._answer(plan, leases)

    async def _answer(self, plan: TaskPlan, leases: Sequence[Lease]) -> None:
        answers = [Answer(each.lease_id, self._opinion(plan, content_of(each))) for each in leases]
        try:
            await self._submit(plan, answers)
        except LeaseLost:
            # One lost lease makes the server refuse the batch: submit the answers one by one.
            for answer in answers if len(answers) > 1 else ():
                try:
                    await self._submit(plan, [answer])
                except LeaseLost:
                    continue

    async def _correct(self, plan: TaskPlan) -> None:
        """Change an earlier answer under the same lease, or take it back."""
        mine = [each for each in self._answered if each.plan is plan]
        # While labels are few, taking one back may leave one class, and then no head is trained.
        if mine and self._scene.promised[plan.task_id] > _HEADS_BEFORE_CORRECTIONS:
            earlier = self._rng.choice(mine)
            answer = Answer(earlier.lease_id, self._other_opinion(plan, earlier.label))
            if self._rng.random() < 0.25:
                answer = Answer(earlier.lease_id, None, retracted=True)
            await self._submit(plan, [answer])

    async def _submit(self, plan: TaskPlan, answers: Sequence[Answer]) -> None:
        request_id, start_s = new_request_id(), time.monotonic()
        result: SubmitResult | None = await self._until_told(
            lambda client: client.submit_labels(plan.task_id, answers, request_id=request_id)
        )
        if result is not None:
            self._scene.promise(plan.task_id, result.head_version, start_s)
            self._answered += [_Answered(plan, each.lease_id, each.label) for each in answers]

    async def _predict(self, plan: TaskPlan) -> None:
        dim = self._scene.embedding_dims[plan.pool_id]
        noise = np.random.default_rng(self._rng.getrandbits(32))
        of_audio = plan.pool_id == "heard" and self._rng.random() < 0.7
        await self._any_client().predict(
            plan.task_id,
            audio=[Pcm(noise.normal(0, 0.1, 8_000).astype(np.float32), 16_000)]
            if of_audio
            else None,
            embeddings=None if of_audio else noise.normal(size=(3, dim)).astype(np.float32),
            min_head_version=self._wanted_head(plan),
        )

    async def _look(self, plan: TaskPlan) -> None:
        await self._any_client().get_task(plan.task_id)

    async def _read_rounds(self, plan: TaskPlan) -> None:
        await self._any_client().list_rounds(plan.task_id)

    async def _change_pool(self, plan: TaskPlan) -> None:
        change = self._rng.choice(
            (self._scene.grow_little, self._scene.delete, self._scene.rename, self._scene.replace)
        )
        await change(self._any_client(), plan.pool_id, self._rng)

    async def _cut(self, _: TaskPlan) -> None:
        """Import a recording in windows, or delete one."""
        change = self._scene.cut if self._rng.random() < 0.8 else self._scene.delete_recording
        await change(self._any_client(), self._rng)

    async def _change_classes(self, plan: TaskPlan) -> None:
        """Let classes come and go: some that nobody answers with, and one that many do."""
        name, real = f"extra-{self._rng.randrange(3)}", self._rng.choice(plan.classes)
        changes: list[ClassChange] = [
            AddClass(name),
            RenameClass(name, name),
            MergeClass(name, real),
            RetireClass(name),
            RestoreClass(name),
            DescribeClass(real, self._rng.choice(["", "heard often"])),
        ]
        # While labels are few, all may be of what is merged, and then no head is trained.
        if plan.is_seeded or self._scene.promised[plan.task_id] > _HEADS_BEFORE_CORRECTIONS:
            twin, other = plan.twin, f"{plan.twin}-renamed"
            changes += [MergeClass(twin, plan.classes[0]), RestoreClass(twin), RetireClass(twin)]
            changes += [RestoreClass(twin), RenameClass(*self._rng.sample([twin, other], 2))]
        change, start_s = self._rng.choice(changes), time.monotonic()
        result = await self._any_client().change_classes(plan.task_id, change)
        self._scene.promise(plan.task_id, result.head_version, start_s)

    async def _make_room(self, plan: TaskPlan, state: PoolState) -> None:
        """Add clips or raise the budget, so that there is something to ask for again."""
        budget = self._scene.budgets[plan.task_id]
        if state is PoolState.EXHAUSTED:
            await self._scene.grow(self._any_client(), plan.pool_id)
        elif state is PoolState.BUDGET_SPENT and budget is not None and self._raises_budgets:
            self._scene.budgets[plan.task_id] = budget + 60
            await self._any_client().set_label_budget(plan.task_id, budget + 60)

    async def _wait_past_expiry(self, plan: TaskPlan, leases: Sequence[Lease]) -> None:
        if plan.lease_s < 5:
            left_s = (leases[0].expire_time - datetime.now(UTC)).total_seconds()
            # The store's clock may be far ahead.
            left_s = min(max(0.0, left_s), plan.lease_s)
            await asyncio.sleep(left_s + self._rng.uniform(0.0, 3.0))

    async def _until_told(self, attempt: Callable[[RecordedClient], Awaitable[T]]) -> T | None:
        """Repeat a request while its outcome is unknown, and sometimes once more when it is known.

        Returns:
            What was acknowledged; None if the oracle gave up first.

        Raises:
            AloeError: the request was refused.
        """
        for _ in range(_ATTEMPTS):
            try:
                result = await attempt(self._any_client())
            except _OUTCOME_UNKNOWN:
                if self._rng.random() < 0.15:
                    return None
                continue
            if self._rng.random() < 0.1:
                with contextlib.suppress(AloeError):
                    await attempt(self._any_client())
            return result
        return None

    def _opinion(self, plan: TaskPlan, content: str) -> Label | None:
        if self._rng.random() < 0.08:
            return None
        label = plan.true_label(content)
        if isinstance(label, LabelSet):
            return several_labels(plan, label, self._rng)
        if self._rng.random() < 0.1:
            label = self._rng.choice(plan.classes)
        is_twin = label == plan.classes[0] and self._rng.random() < TWIN_SHARE
        return plan.twin if is_twin else label

    def _other_opinion(self, plan: TaskPlan, earlier: Label | None) -> Label | None:
        if plan.label_mode is LabelMode.MULTIPLE:
            positive = tuple(each for each in plan.classes if self._rng.random() < 0.5)
            return several_labels(plan, LabelSet(positive), self._rng)
        return self._rng.choice([each for each in (*plan.classes, None) if each != earlier])

    def _wanted_head(self, plan: TaskPlan) -> int:
        return self._scene.promised[plan.task_id] if self._rng.random() < 0.2 else 0

    def _any_client(self) -> RecordedClient:
        return self._rng.choice(self._clients)
