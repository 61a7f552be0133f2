"""The state after the chaos: waits until each task has come to rest, and reads it."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.chaos.history import FinalClass, FinalClip, FinalPool, FinalTask, StoredAnswer
from tests.chaos.recorded_client import content_of
from tests.chaos.scene import PLANS, Scene

from aloe.client import AsyncLearnerClient, NotFound, Split, Task, TaskClass
from aloe.client.errors import AloeError

_PATIENCE, _REPLAY_PATIENCE = timedelta(seconds=30), timedelta(minutes=5)
_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Truth:
    """What the system holds in the end."""

    restless: Collection[str]
    """Ids of tasks that did not come to rest."""
    tasks: Sequence[FinalTask]
    pools: Sequence[FinalPool]
    differing: Sequence[str]
    """Ids of tasks and pools on which replicas differ."""


async def settle(
    client: AsyncLearnerClient, promised: Mapping[str, int], timeout_s: float
) -> set[str]:
    """Wait until each task is at rest: no leases, no round under way, its promised head there.

    Args:
        client: of a replica.
        promised: the head version that each task must reach.
        timeout_s: how long to wait at most.

    Returns:
        The ids of the tasks that did not come to rest.
    """
    deadline_s = time.monotonic() + timeout_s
    restless = {plan.task_id for plan in PLANS}
    while restless and time.monotonic() < deadline_s:
        for task_id in sorted(restless):
            try:
                task = await client.get_task(task_id)
            except NotFound:
                restless.discard(task_id)
            except AloeError:
                continue
            else:
                if _is_at_rest(task, promised[task_id]):
                    restless.discard(task_id)
        await asyncio.sleep(_POLL_S)
    return restless


async def read_final(client: AsyncLearnerClient, task_id: str) -> FinalTask:
    """Read all that a task holds; an empty task if it is gone."""
    try:
        return await _read_task(client, task_id)
    except NotFound:
        return FinalTask(task_id, 0, 0, 0, 0, labels={}, rounds={})


async def read_pool(client: AsyncLearnerClient, pool_id: str, scene: Scene) -> FinalPool:
    """Read the clips of a pool by all their names."""
    clips: dict[str, FinalClip] = {}
    doubled = list[str]()
    async for each in client.export_clips(pool_id, timeout=_PATIENCE):
        clip = FinalClip(content_of(each.clip), scene.content_of(each.clip, each.embedding))
        names = (each.clip.clip_id, *each.clip.other_ids)
        doubled += [name for name in names if name in clips]
        clips |= dict.fromkeys(names, clip)
    windows = {
        each.recording_id: each.window_count
        async for each in client.list_recordings(pool_id, timeout=_PATIENCE)
    }
    return FinalPool(pool_id, clips, doubled, windows)


async def _read_task(client: AsyncLearnerClient, task_id: str) -> FinalTask:
    labels = [each async for each in client.export_labels(task_id, timeout=_PATIENCE)]
    rounds = await client.list_rounds(task_id, timeout=_PATIENCE)
    task = await client.get_task(task_id, timeout=_PATIENCE)
    replays = [each async for each in client.replay_task(task_id, timeout=_REPLAY_PATIENCE)]
    return FinalTask(
        task_id=task_id,
        head_version=task.head_version,
        labeled_count=task.clip_counts.labeled,
        abstained_count=task.clip_counts.abstained,
        budget_spent=task.clip_counts.budget_spent,
        labels={
            content_of(each): StoredAnswer(each.oracle_id, each.label)
            for each in labels
            if each.split is Split.TRAIN
        },
        rounds={each.head_version: each.label_count for each in rounds},
        redone_pick_count=replays[-1].pick_count,
        unknown_pick_count=replays[-1].unknown_count,
        classes=[_final_class(each) for each in task.class_details],
        unmentioned=task.unmentioned,
        differing_picks=[f"{each.event_id}: {each.text}" for each in replays[-1].differences],
    )


def _final_class(known: TaskClass) -> FinalClass:
    return FinalClass(
        known.name,
        frozenset((known.name, *known.former_names)),
        known.state,
        known.merged_into or "",
        known.add_time is None,
    )


def _is_at_rest(task: Task, promised: int) -> bool:
    return (
        task.clip_counts.leased == 0
        and task.training_head_version is None
        and task.head_version >= promised
    )
