"""Over the wire: Redis goes back to an earlier state, or another one stands in its place."""

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis.asyncio
from tests.contract.stores.rollback import Snapshot, go_back, keys_of, snapshot
from tests.needing_redis import needing_redis
from tests.rpc.learner.scenes import CLASSES, DIM, QUICK, Scene, clusters, fails_with, make_scene
from tests.rpc.stacks import running_stack

from aloe.client import Answer, LearnerClient, LeaseLost, NewClip, NotFound, connect
from aloe.local import LocalStack, StackOptions
from aloe.local.redis_server import redis_child

NAMES = [f"new-{row}" for row in range(20)]
CALL = timedelta(seconds=10)

pytestmark = pytest.mark.timeout(120)


async def note(url: str, scene: Scene) -> Snapshot:
    async with redis.asyncio.Redis.from_url(url) as client:
        return await snapshot(client, keys_of(scene.pool_id, scene.task_id))


async def bring_back(url: str, state: Snapshot) -> None:
    async with redis.asyncio.Redis.from_url(url) as client:
        await go_back(client, state)


def add(client: LearnerClient, scene: Scene, seed: int) -> None:
    """Import clips under the same names, whose content and truth depend on the seed."""
    embeddings, classes = clusters(len(NAMES), seed)
    shift = seed % len(CLASSES)
    classes = [*classes[shift:], *classes[:shift]]
    clips = [NewClip(*each) for each in zip(NAMES, [None] * len(NAMES), embeddings, strict=True)]
    assert client.import_clips(scene.pool_id, clips).imported_count == len(NAMES)
    scene.truth |= dict(zip(NAMES, classes, strict=True))


def test_an_oracle_that_heard_a_lost_clip_labels_no_other(stack: LocalStack, client: LearnerClient):
    scene = make_scene(client, 10)
    before = asyncio.run(note(stack.redis_url, scene))
    add(client, scene, seed=3)
    heard = scene.query("early", max_clip_count=30)
    assert len(heard) == 30
    head_version = scene.answer(heard[:15], "early").head_version
    assert head_version is not None
    client.predict(scene.task_id, embeddings=scene.embeddings, min_head_version=head_version)
    asyncio.run(bring_back(stack.redis_url, before))
    add(client, scene, seed=4)
    with fails_with("LEASE_LOST", LeaseLost):
        client.submit_labels(
            scene.task_id, "early", [Answer(each.lease_id, "low") for each in heard[15:]]
        )
    seen, version = [], 0
    while leases := client.query(scene.task_id, "ann", max_clip_count=8, timeout=CALL).leases:
        version = scene.answer(leases).head_version or version
        seen += [each.clip_id for each in leases]
    assert sorted(seen) == sorted(scene.truth)
    labels = {each.clip_id: each.label for each in client.export_labels(scene.task_id)}
    assert labels == scene.truth
    found = client.predict(
        scene.task_id, embeddings=scene.embeddings, min_head_version=version, timeout=CALL
    )
    assert found.head_version >= version > 0


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aloe-test-") as name:
        yield Path(name)


@pytest.mark.slow
def test_another_redis_behind_the_same_address(socket_folder: Path):
    socket = socket_folder / "redis.sock"
    with needing_redis():
        first, second = (
            redis_child(socket_folder / each, socket, socket_folder / f"{each}.log")
            for each in ("first", "second")
        )
    first.start(30)
    try:
        options = StackOptions(redis_url=f"unix://{socket}")
        with running_stack(options) as stack, connect(stack.learner_address) as client:
            scene = make_scene(client, 20)
            scene.answer(scene.query(max_clip_count=12))
            first.stop()
            second.start(30)
            with pytest.raises(NotFound):
                client.query(scene.task_id, "ann", timeout=CALL)
            client.create_pool(scene.pool_id, encoder_fingerprint="f", embedding_dim=DIM)
            add(client, scene, seed=4)
            client.create_task(scene.task_id, scene.pool_id, CLASSES, head_recipe=QUICK)
            leases = client.query(scene.task_id, "ann", max_clip_count=40, timeout=CALL).leases
            assert sorted(each.clip_id for each in leases) == sorted(NAMES)
            scene.answer(leases)
            labels = {each.clip_id: each.label for each in client.export_labels(scene.task_id)}
            assert labels == {name: scene.truth[name] for name in NAMES}
    finally:
        first.stop()
        second.stop()
