"""Clips are replaced, renamed and deleted by one learner while oracles label by another."""

import os
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count, pairwise

import numpy as np
import pytest
from tests.rpc.stacks import running_stack

from aloe.cli.replay import replay_task
from aloe.client import (
    Answer,
    ClipState,
    ConnectOptions,
    LearnerClient,
    LeaseLost,
    NewClip,
    PoolState,
    connect,
)
from aloe.local import LocalStack, StackOptions

DIM, CLIP_COUNT, CHANGE_COUNT = 6, 60, 40
POOL, TASKS, ORACLES = "p", ("t1", "t2"), ("ann", "bob")
OPTIONS = ConnectOptions(timeout=timedelta(minutes=1))


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with running_stack(StackOptions(encoder=None, learner_count=2)) as running:
        yield running


def vectors() -> Iterator[np.ndarray]:
    """Embeddings that all differ."""
    for seed in count():
        yield np.random.default_rng(seed).normal(size=DIM).astype(np.float32)


def label_until(learner: LearnerClient, task: str, oracle: str, ended: threading.Event) -> int:
    """Answer until the changes have ended and nothing is left; return how many were stored."""
    stored = 0
    lost: list[str] = []
    while True:
        is_last = ended.is_set()
        asked = learner.query(task, oracle, max_clip_count=3)
        if not asked.leases and is_last:
            assert asked.pool_state in {PoolState.EXHAUSTED, PoolState.ALL_LEASED}
            assert all("deleted or replaced" in reason for reason in lost)
            return stored
        if not asked.leases:
            ended.wait(0.02)
        for lease in asked.leases:
            try:
                learner.submit_labels(task, oracle, [Answer(lease.lease_id, "yes")])
                stored += 1
            except LeaseLost as error:
                lost.append(str(error))


def change(learner: LearnerClient, stack: LocalStack, *, kills: bool) -> None:
    """Change clips one by one; where it is wanted, the learner dies in the middle of some."""
    new = vectors()
    for _ in range(CLIP_COUNT):
        next(new)
    rng = np.random.default_rng(5)
    for number in range(CHANGE_COUNT):
        names = [clip.clip_id for clip in learner.list_clips(POOL)]
        name = names[rng.integers(len(names))]
        killer = threading.Timer(rng.uniform(0, 0.01), kill, [stack])
        if kills and number % 10 == 4:
            killer.start()
        match number % 4:
            case 0 | 1:
                clips = [NewClip(name, embedding=next(new))]
                assert not learner.import_clips(POOL, clips, replace=True).failures
            case 2:
                learner.delete_clips(POOL, [name])
                learner.import_clips(POOL, [NewClip(f"new-{number}", embedding=next(new))])
            case _:
                learner.rename_clip(POOL, name, f"renamed-{number}")


def kill(stack: LocalStack) -> None:
    pid = stack.pids["learner 2"]
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("kills", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_nothing_is_lost_or_labeled_that_is_gone(stack: LocalStack, kills: bool):
    first, second = (connect(address, OPTIONS) for address in stack.learner_addresses)
    with first, second:
        make_scene(first)
        ended = threading.Event()
        with ThreadPoolExecutor() as threads:
            stored = {
                task: [threads.submit(label_until, first, task, who, ended) for who in ORACLES]
                for task in TASKS
            }
            try:
                change(second, stack, kills=kills)
            finally:
                ended.set()
        for task in TASKS:
            check(first, task, sum(each.result() for each in stored[task]))
            second.delete_task(task)
        second.delete_pool(POOL)


def make_scene(learner: LearnerClient) -> None:
    learner.create_pool(POOL, encoder_fingerprint="f", embedding_dim=DIM)
    embeddings = vectors()
    clips = [NewClip(f"c{n}", embedding=next(embeddings)) for n in range(CLIP_COUNT)]
    learner.import_clips(POOL, clips)
    for task in TASKS:
        learner.create_task(task, POOL, ["yes", "no"], lease_duration=timedelta(minutes=5))


def check(learner: LearnerClient, task: str, stored_count: int) -> None:
    """Compare a task with its log, its log with what oracles were told, and it with the pool."""
    assert replay_task(learner, task).differences == ()
    clips = {clip.clip_id for clip in learner.list_clips(POOL)}
    labels = {label.clip_id for label in learner.export_labels(task)}
    counts = learner.get_task(task).clip_counts
    assert labels == clips
    assert (counts.labeled, counts.unlabeled, counts.leased) == (len(clips), 0, 0)
    # By number: the new content of an id may be leased before the old one is taken out of the task.
    states: dict[int, list[ClipState]] = defaultdict(list)
    for event in learner.list_events(task):
        for each in event.changes:
            states[each.clip_number].append(each.state)
    stories = list(states.values())
    assert [story for story in stories if story.count(ClipState.RETIRED) > 1] == []
    assert sum(story.count(ClipState.LABELED) for story in stories) == stored_count
    assert sum(story.count(ClipState.RETIRED) for story in stories) == CHANGE_COUNT * 3 // 4
    for story in stories:
        for before, after in pairwise([ClipState.UNLABELED, *story]):
            # Other content is asked for anew.
            assert after is not ClipState.LABELED or before is ClipState.LEASED, story
