"""Whatever is taken, every read gives back, to both clients and in a backup; all else is refused.

Messages are made by walking the protos, so that a field that is added is tried without being named
here: one that can be written and not be read fails.
"""

import asyncio
import json
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.rpc.learner.scenes import new_id
from tests.rpc.learner.taking import (
    Learner,
    imported,
    labeled,
    made_pool,
    made_task,
    queried,
    updated,
)

from aloe.cli.backup.dump import dump_pool
from aloe.cli.backup.restore import restore_pool
from aloe.cli.console import json_line, plain
from aloe.client import connect_async
from aloe.learner.rpc.tasks import SETTINGS
from aloe.local import LocalStack

FEW = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    # Shrinking would make a hundred pools more.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=400)
CHANCE = st.randoms(use_true_random=False)
WILDNESS = st.sampled_from([0.0, 0.02, 0.2])


@pytest.fixture(scope="session")
def learner(raw, client, stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Learner:
    return Learner(raw, client, stack.learner_address, tmp_path_factory.mktemp("backups"))


def check_given_back(learner: Learner, chance: random.Random, wildness: float) -> None:
    """Make a pool with clips, tasks and labels; read it in every way, and restore a backup."""
    pool_id = made_pool(learner, chance, wildness)
    clips = imported(learner, chance, wildness, pool_id)
    task_ids = [made_task(learner, chance, wildness, pool_id) for _ in range(2)]
    for task_id in filter(None, task_ids):
        updated(learner, chance, wildness, task_id)
        labeled(learner, chance, wildness, pool_id, task_id)
        queried(learner, chance, wildness, pool_id, task_id)
    seen = asyncio.run(_read(learner, pool_id))
    assert len(seen["clips"]) == len(clips)
    if clips:
        _check_backup(learner, pool_id, seen)
    for task in seen["tasks"]:
        learner.client.delete_task(task.task_id)
    learner.client.delete_pool(pool_id)


@FEW
@given(CHANCE, WILDNESS)
def test_what_is_taken_is_given_back(learner: Learner, chance, wildness):
    check_given_back(learner, chance, wildness)


@pytest.mark.slow
@pytest.mark.timeout(900)
@MANY
@given(CHANCE, WILDNESS)
def test_what_is_taken_is_given_back_at_length(learner: Learner, chance, wildness):
    check_given_back(learner, chance, wildness)


async def _read(learner: Learner, pool_id: str) -> dict[str, Any]:
    """Read all of a pool with both clients, as Python values and as JSON; they must agree."""
    async with connect_async(learner.address) as other:
        client = learner.client
        tasks = client.list_tasks(pool_id)
        pairs = {
            "pool": (client.get_pool(pool_id), await other.get_pool(pool_id)),
            "clips": (
                list(client.list_clips(pool_id)),
                [each async for each in other.list_clips(pool_id)],
            ),
            "recordings": (
                list(client.list_recordings(pool_id)),
                [each async for each in other.list_recordings(pool_id)],
            ),
            "exported": (
                [each.clip for each in client.export_clips(pool_id)],
                [each.clip async for each in other.export_clips(pool_id)],
            ),
            "labels": (
                {task.task_id: list(client.export_labels(task.task_id)) for task in tasks},
                {
                    task.task_id: [each async for each in other.export_labels(task.task_id)]
                    for task in tasks
                },
            ),
        }
        for task in tasks:
            assert next(iter(client.watch_task(task.task_id))).task.classes == task.classes
            assert [each async for each in other.list_events(task.task_id)]
            json_line(list(client.list_events(task.task_id)))
            json_line(client.list_rounds(task.task_id))
            if task.head_version:
                head = client.export_head(task.task_id)
                assert np.isfinite(head.weights).all()
                assert np.isfinite(head.biases).all()
    for name, (one, same) in pairs.items():
        assert one == same, name
        assert json.loads(json_line(one)) == plain(one), name
    assert pairs["clips"] == pairs["exported"]
    return {"tasks": tasks} | {name: one for name, (one, _) in pairs.items()}


def _check_backup(learner: Learner, pool_id: str, seen: Mapping[str, Any]) -> None:
    """Dump the pool, make it anew under another name, and compare."""
    file, restored_id = learner.folder / f"{pool_id}.parquet", new_id()
    dump_pool(learner.client, pool_id, file, lambda _: None)
    restored = restore_pool(learner.client, restored_id, file, lambda _: None)
    file.unlink()
    again = asyncio.run(_read(learner, restored_id))
    for name in ("clips", "recordings"):
        assert again[name] == seen[name]
    for task in seen["tasks"]:
        new_task_id = restored.tasks[task.task_id]
        assert again["labels"][new_task_id] == seen["labels"][task.task_id]
        (same,) = [each for each in again["tasks"] if each.task_id == new_task_id]
        for field in ("classes", *SETTINGS, "seed"):
            assert getattr(same, field) == getattr(task, field), field
        learner.client.delete_task(new_task_id)
    learner.client.delete_pool(restored_id)
