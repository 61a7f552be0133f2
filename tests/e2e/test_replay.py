"""Two learners and four oracles, a kill in the middle: the log tells every pick, bit for bit."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import pytest
from tests.e2e.conftest import CommandLine
from tests.rpc.learner.scenes import Scene, make_scene
from tests.rpc.stacks import running_stack

from aloe.client import (
    Answer,
    AsyncLearnerClient,
    EventKind,
    LeaseLost,
    RecipeName,
    connect,
    connect_async,
)
from aloe.local import LocalStack, StackOptions

CLIP_COUNT, ORACLE_COUNT, BATCH_COUNT = 400, 4, 14
PATIENCE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with running_stack(StackOptions(encoder=None, learner_count=2)) as running:
        yield running


@pytest.mark.slow
def test_all_that_oracles_were_asked_at_once_is_picked_again(stack: LocalStack):
    with connect(stack.learner_address) as learner:
        scene = make_scene(
            learner, CLIP_COUNT, recipe=RecipeName.BEST, head_recipe=None, audit_share=0.1
        )
        asyncio.run(label(stack, scene))
        found = [list(learner.replay_task(scene.task_id))[-1]]
        kinds = {each.kind for each in learner.list_events(scene.task_id)}
    with connect(stack.learner_addresses[1]) as other:
        found.append(list(other.replay_task(scene.task_id))[-1])
    for each in found:
        assert each.differences == ()
        assert (each.unknown_count, each.unknown_text) == (0, "")
        assert each.pick_count > 2 * ORACLE_COUNT * BATCH_COUNT
        assert each.head_count > 5
    assert {EventKind.LEASES_EXPIRED, EventKind.LEASES_RELEASED} <= kinds
    command = CommandLine(stack.learner_address)
    told = command.json("task", "replay", scene.task_id, "--picks")
    assert (told["differences"], told["picks"]["difference_count"]) == ([], 0)
    said = command.run("task", "replay", scene.task_id, "--picks").stderr
    assert f"{found[0].pick_count:,} picks done again: all the same, bit for bit" in said
    assert "picks" not in command.json("task", "replay", scene.task_id)


async def label(stack: LocalStack, scene: Scene) -> None:
    """Let oracles answer, take back, give back and forget; kill a learner in the middle."""
    async with AsyncExitStack() as ending:
        clients = [
            await ending.enter_async_context(connect_async(each))
            for each in stack.learner_addresses
        ]
        await asyncio.gather(
            *(
                answer(stack, scene, clients[number % 2], f"oracle-{number}")
                for number in range(ORACLE_COUNT)
            )
        )


async def answer(
    stack: LocalStack, scene: Scene, client: AsyncLearnerClient, oracle_id: str
) -> None:
    chances = random.Random(oracle_id)
    for number in range(BATCH_COUNT):
        is_forgotten = chances.random() < 0.15
        asked = await client.query(
            scene.task_id,
            oracle_id,
            max_clip_count=chances.randint(1, 6),
            lease_duration=timedelta(milliseconds=5) if is_forgotten else None,
            timeout=PATIENCE,
        )
        if (number, oracle_id) == (BATCH_COUNT // 2, "oracle-0"):
            pid = stack.pids["learner 2"]
            assert pid
            os.kill(pid, signal.SIGKILL)
        for lease in asked.leases:
            chance = chances.random()
            given = Answer(lease.lease_id, scene.truth[lease.clip_id] if chance < 0.8 else None)
            with suppress(LeaseLost):  # It ran out, and the clip went to another.
                if chance < 0.9:
                    await client.submit_labels(scene.task_id, oracle_id, [given], timeout=PATIENCE)
                else:
                    await client.release_leases(
                        scene.task_id, oracle_id, [lease.lease_id], timeout=PATIENCE
                    )
                if chance < 0.1:
                    taken_back = Answer(lease.lease_id, None, retracted=True)
                    await client.submit_labels(
                        scene.task_id, oracle_id, [taken_back], timeout=PATIENCE
                    )
