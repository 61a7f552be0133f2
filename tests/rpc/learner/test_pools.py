"""Pools: create, describe, list, delete."""

import numpy as np
from tests.rpc.learner.scenes import CLASSES, DIM, FINGERPRINT, Scene, fails_with, new_id

from aloe.client import (
    AlreadyExists,
    EmbeddingClient,
    FailedPrecondition,
    LearnerClient,
    NewClip,
    NotFound,
)
from aloe.v1 import pool_pb2


def test_a_pool_takes_the_encoder_of_the_embedding_service(
    client: LearnerClient, embedding_client: EmbeddingClient
):
    pool, encoder = client.create_pool(new_id()), embedding_client.get_encoder()
    assert (pool.encoder_id, pool.encoder_fingerprint, pool.embedding_dim) == (
        encoder.encoder_id,
        encoder.fingerprint,
        encoder.embedding_dim,
    )
    assert (pool.keep_audio, pool.clip_count) == (False, 0)
    assert client.get_pool(pool.pool_id) == pool


def test_a_pool_of_embeddings_made_elsewhere_needs_no_embedding_service(client: LearnerClient):
    pool = client.create_pool(
        new_id(), encoder_id="ours", encoder_fingerprint=FINGERPRINT, embedding_dim=DIM
    )
    assert (pool.encoder_id, pool.encoder_fingerprint, pool.embedding_dim) == (
        "ours",
        FINGERPRINT,
        DIM,
    )


def test_creating_a_pool_again_is_no_error_unless_it_differs(client: LearnerClient):
    pool_id = new_id()
    first = client.create_pool(pool_id, keep_audio=True)
    assert client.create_pool(pool_id, keep_audio=True) == first
    with fails_with("ALREADY_EXISTS", AlreadyExists):
        client.create_pool(pool_id, keep_audio=False)
    with fails_with("ALREADY_EXISTS", AlreadyExists):
        client.create_pool(pool_id, encoder_fingerprint="another", embedding_dim=3, keep_audio=True)
    assert client.get_pool(pool_id) == first


def test_an_encoder_that_nobody_hosts_is_not_found_and_no_pool_is_made(client: LearnerClient):
    pool_id = new_id()
    with fails_with("ENCODER_NOT_FOUND", NotFound):
        client.create_pool(pool_id, encoder_id="no-such-encoder")
    with fails_with("POOL_NOT_FOUND", NotFound):
        client.get_pool(pool_id)


def test_pools_are_listed_by_name_page_by_page(client: LearnerClient, raw):
    prefix = new_id()
    for suffix in ("b", "a", "c"):
        client.create_pool(f"{prefix}-{suffix}", encoder_fingerprint="f", embedding_dim=2)
    names, token = [], ""
    while True:
        page = raw.ListPools(pool_pb2.ListPoolsRequest(page_size=2, page_token=token))
        assert len(page.pools) <= 2
        names += [pool.name for pool in page.pools]
        token = page.next_page_token
        if not token:
            break
    assert names == sorted(set(names))
    assert [name for name in names if prefix in name] == [
        f"pools/{prefix}-{suffix}" for suffix in "abc"
    ]
    assert [pool.pool_id for pool in client.list_pools()] == [
        name.removeprefix("pools/") for name in names
    ]


def test_a_deleted_pool_is_gone_with_its_clips_and_its_id_is_free(client: LearnerClient):
    pool_id = new_id()
    for dim in (2, 3):
        pool = client.create_pool(pool_id, encoder_fingerprint="f", embedding_dim=dim)
        assert pool.clip_count == 0
        vector = np.ones(dim, np.float32)
        client.import_clips(pool_id, [NewClip("c", embedding=vector)])
        assert [clip.clip_id for clip in client.list_clips(pool_id)] == ["c"]
        client.delete_pool(pool_id)
        for call in (client.get_pool, client.delete_pool, lambda p: list(client.list_clips(p))):
            with fails_with("POOL_NOT_FOUND", NotFound):
                call(pool_id)
        assert pool_id not in [each.pool_id for each in client.list_pools()]


def test_a_pool_in_use_cannot_be_deleted_until_its_tasks_are(scene: Scene, client: LearnerClient):
    with fails_with("POOL_IN_USE", FailedPrecondition):
        client.delete_pool(scene.pool_id)
    client.delete_task(scene.task_id)
    client.delete_pool(scene.pool_id)


def test_a_task_refused_for_its_id_does_not_hold_the_pool(scene: Scene, client: LearnerClient):
    other = client.create_pool(new_id(), encoder_fingerprint="f", embedding_dim=2)
    with fails_with("ALREADY_EXISTS", AlreadyExists):
        client.create_task(scene.task_id, other.pool_id, CLASSES)
    assert client.list_tasks(other.pool_id) == ()
    client.delete_pool(other.pool_id)
