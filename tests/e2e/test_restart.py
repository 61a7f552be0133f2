"""Processes are killed in the middle of a labeling run, and nobody can tell afterwards."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from tests.rpc.stacks import running_stack

from aloe.client import AsyncLearnerClient, KnownLabel, Label, Lease, NewClip, Split, connect_async
from aloe.local import LocalStack, StackOptions
from aloe.oracle import LabelingRound, SimulatedOracle, label_task

DIM, CLIP_COUNT, BATCH_SIZE, ROUND_COUNT = 24, 400, 4, 10
PATIENCE = timedelta(minutes=1)
POOL_ID = "voices"
TASKS = {"colour": ("red", "green", "blue"), "shape": ("round", "flat")}
LEARNER, REDIS = "the learner", "Redis"


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with running_stack(StackOptions()) as running:
        yield running


@pytest.fixture
async def client(stack: LocalStack) -> AsyncIterator[AsyncLearnerClient]:
    async with connect_async(stack.learner_address) as connected:
        yield connected


def make_truth() -> tuple[np.ndarray, dict[str, dict[str, str]]]:
    """Random embeddings, and per task the class of each clip: the largest of some coordinates."""
    embeddings = np.random.default_rng(17).normal(size=(CLIP_COUNT, DIM)).astype(np.float32)
    truth = {}
    for number, (task, classes) in enumerate(TASKS.items()):
        coordinates = embeddings[:, 8 * number : 8 * number + len(classes)]
        truth[task] = {f"c{row}": classes[best] for row, best in enumerate(coordinates.argmax(1))}
    return embeddings, truth


@dataclass
class Kills:
    """Kills a process at certain moments of a run and counts how often it did."""

    stack: LocalStack
    after_rounds: dict[int, str] = field(default_factory=dict)
    """Round of any task to the process that dies when its answers have just been stored."""
    before_answers: dict[int, str] = field(default_factory=dict)
    """Number of the answer, from 1, to the process that dies while its lease is out."""
    count: int = 0
    answer_count: int = 0

    def kill(self, name: str | None) -> None:
        pid = self.stack.pids[name] if name else None
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.count += 1


class DeadlyOracle(SimulatedOracle):
    """Tells the truth, but a process may die before it does."""

    kills: Kills

    def answer(self, lease: Lease) -> Label | None:
        self.kills.answer_count += 1
        self.kills.kill(self.kills.before_answers.pop(self.kills.answer_count, None))
        return super().answer(lease)


@dataclass
class History:
    """What an oracle saw of a run, and what is there at its end."""

    asked: list[tuple[str, float | None]] = field(default_factory=list)
    """Clip and score of each lease, in order."""
    acknowledged: dict[str, Label | None] = field(default_factory=dict)
    stored: dict[str, Label | None] = field(default_factory=dict)
    head: bytes = b""
    accuracies: list[float] = field(default_factory=list)


async def run_task(
    client: AsyncLearnerClient,
    task: str,
    suffix: str,
    truth: dict[str, str],
    *,
    kills: Kills,
    round_count: int,
) -> History:
    """Create a task, label it for some rounds and tell its history."""
    task_id, history = f"{task}-{suffix}", History()
    await client.create_task(task_id, POOL_ID, TASKS[task], seed=5)
    rows = list(truth.items())
    labels = [KnownLabel(*row) for row in rows[:12]]
    labels += [KnownLabel(*row, Split.VALIDATION) for row in rows[-60:]]
    seeded = await client.import_labels(task_id, labels, timeout=PATIENCE)
    oracle = DeadlyOracle(truth, TASKS[task])
    oracle.kills = kills

    def on_round(done: LabelingRound) -> None:
        clips = {lease.lease_id: lease.clip_id for lease in done.query.leases}
        history.asked += [(lease.clip_id, lease.score) for lease in done.query.leases]
        history.acknowledged |= {clips[each.lease_id]: each.label for each in done.answers}
        kills.kill(kills.after_rounds.pop(done.number, None))

    report = await label_task(
        client,
        task_id,
        oracle,
        oracle_id="ann",
        batch_size=BATCH_SIZE,
        rounds=round_count,
        min_head_version=seeded.head_version or 0,
        on_round=on_round,
    )
    await client.predict(
        task_id, clip_ids=["c0"], min_head_version=report.head_version, timeout=PATIENCE
    )
    head = await client.export_head(task_id, timeout=PATIENCE)
    assert head.version == report.head_version
    history.head = head.weights.tobytes() + head.biases.tobytes()
    async for label in client.export_labels(task_id, timeout=PATIENCE):
        if label.oracle_id:
            history.stored[label.clip_id] = label.label
    for each in await client.list_rounds(task_id, timeout=PATIENCE):
        assert each.validation is not None
        history.accuracies.append(each.validation.accuracy)
    return history


async def run_both(
    client: AsyncLearnerClient, suffix: str, kills: Kills, round_count: int = ROUND_COUNT
) -> list[History]:
    """Run both tasks at once on the one pool."""
    embeddings, truth = make_truth()
    await client.create_pool(POOL_ID, encoder_fingerprint="random", embedding_dim=DIM)
    clips = [NewClip(f"c{row}", embedding=vector) for row, vector in enumerate(embeddings)]
    await client.import_clips(POOL_ID, clips)
    return await asyncio.gather(
        *(
            run_task(client, task, suffix, truth[task], kills=kills, round_count=round_count)
            for task in TASKS
        )
    )


@pytest.fixture(scope="module")
def undisturbed(stack: LocalStack) -> list[History]:
    """The histories of a run in which nothing dies."""

    async def run() -> list[History]:
        async with connect_async(stack.learner_address) as connected:
            return await run_both(connected, "undisturbed", Kills(stack))

    return asyncio.run(run())


def check(
    histories: list[History], undisturbed: list[History], round_count: int = ROUND_COUNT
) -> None:
    for found, expected in zip(histories, undisturbed, strict=True):
        clips = [clip for clip, _ in found.asked]
        assert len(clips) == len(set(clips)) == round_count * BATCH_SIZE, "a clip was asked twice"
        assert found.stored == found.acknowledged, "an acknowledged label was lost"
        assert found.asked == expected.asked, "other clips were picked"
        assert found.head == expected.head, "the final head differs"
        assert found.accuracies == expected.accuracies


@pytest.mark.slow
async def test_a_learner_killed_once_changes_nothing(
    client: AsyncLearnerClient, stack: LocalStack, undisturbed: list[History]
):
    kills = Kills(stack, after_rounds={3: LEARNER})
    check(await run_both(client, "killed-once", kills), undisturbed)
    assert kills.count == 1


@pytest.mark.slow
async def test_a_learner_killed_again_and_again_changes_nothing(
    client: AsyncLearnerClient, stack: LocalStack, undisturbed: list[History]
):
    kills = Kills(
        stack,
        after_rounds={1: LEARNER, 4: LEARNER, 8: LEARNER},
        before_answers={21: LEARNER, 46: LEARNER, 63: LEARNER},
    )
    check(await run_both(client, "killed-often", kills), undisturbed)
    assert kills.count >= 4


@pytest.mark.slow
async def test_a_redis_killed_and_started_again_changes_nothing(
    client: AsyncLearnerClient, stack: LocalStack, undisturbed: list[History]
):
    kills = Kills(stack, after_rounds={2: REDIS, 6: REDIS}, before_answers={33: REDIS})
    check(await run_both(client, "redis-killed", kills), undisturbed)
    assert kills.count == 3


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_sixty_rounds_with_a_kill_in_every_fifth_are_sixty_rounds(
    client: AsyncLearnerClient, stack: LocalStack
):
    round_count = 60
    straight = await run_both(client, "straight", Kills(stack), round_count)
    kills = Kills(stack, after_rounds=dict.fromkeys(range(5, round_count, 5), LEARNER))
    check(await run_both(client, "every-fifth", kills, round_count), straight, round_count)
    assert kills.count == 11
