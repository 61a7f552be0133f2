"""A learner that is killed comes back without mapping its pools again."""

import os
import signal
import time
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.rpc.stacks import running_stack

from aloe.client import AsyncLearnerClient, KnownLabel, NewClip, Predictions, connect_async
from aloe.learner.adapters.redis.pool_reads import PoolKeys
from aloe.local import StackOptions
from aloe.redis.connecting import connect_blocking

POOL, TASK, CLASSES = "voices", "loudness", ("low", "high")
CLIP_COUNT, DIM = 600, 24
PATIENCE = timedelta(minutes=1)
EMBEDDINGS = np.random.default_rng(5).normal(size=(CLIP_COUNT, DIM)).astype(np.float32)
NAMES = [f"c{row}" for row in range(CLIP_COUNT)]


async def prepare(client: AsyncLearnerClient) -> Predictions:
    """Import clips, train a head that reads a map, and let it predict for all of them."""
    await client.create_pool(POOL, encoder_fingerprint="f", embedding_dim=DIM)
    clips = [NewClip(name, embedding=row) for name, row in zip(NAMES, EMBEDDINGS, strict=True)]
    await client.import_clips(POOL, clips)
    await client.create_task(TASK, POOL, CLASSES)
    labels = [KnownLabel(NAMES[row], CLASSES[row % 2]) for row in range(8)]
    version = (await client.import_labels(TASK, labels)).head_version
    return await client.predict(TASK, clip_ids=NAMES, min_head_version=version or 0)


def kept_keys(redis: Any, count: int) -> list[str]:
    """Wait until so many pieces are kept."""
    deadline = time.monotonic() + 60
    while len(keys := list(redis.scan_iter("aloe:mapped:*"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [key.decode() for key in keys]


@pytest.mark.slow
async def test_what_was_mapped_before_a_kill_is_read_after_it():
    with running_stack(StackOptions(encoder=None)) as stack:
        redis = connect_blocking(stack.redis_url)
        async with connect_async(stack.learner_address) as client:
            before = await prepare(client)
            keys = kept_keys(redis, 2)
            # Whoever would map these clips again does not find their embeddings.
            for key in keys:
                _, _, pool_id, epoch, chunk_id, _ = key.split(":")
                assert redis.unlink(f"aloe:chunk:{pool_id}:{epoch}:{chunk_id}")
            assert redis.llen(PoolKeys(POOL).chunks) == 3
            pid = stack.pids["the learner"]
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            after = await client.predict(TASK, clip_ids=NAMES, timeout=PATIENCE)
            assert np.array_equal(before.probabilities, after.probabilities)
            by_embedding = await client.predict(TASK, embeddings=EMBEDDINGS)
            assert np.array_equal(by_embedding.probabilities, after.probabilities)
            assert (await client.query(TASK, "ann", max_clip_count=5)).leases
        redis.close()
