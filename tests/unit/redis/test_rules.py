"""Which Redis is refused and what is told of it, case by case."""

from typing import Any

import pytest

from aloe.redis.rules import Concern, ConcernKind, Standing, concerns_of

GOOD: dict[str, Any] = {
    "redis_version": "7.0.15",
    "redis_mode": "standalone",
    "role": "master",
    "maxmemory": 0,
    "used_memory": 1_000_000,
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
    "rdb_last_bgsave_status": "ok",
    "connected_slaves": 0,
}
LATE = {"state": "online", "lag": 60}
IN_STEP = {"state": "online", "lag": 0}


def concerns(fsync: str = "always", awaited: int = 0, **changes: Any) -> list[Concern]:
    return concerns_of(Standing(GOOD | changes, fsync), awaited)


def test_one_that_keeps_everything_is_no_concern():
    assert concerns() == []


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"redis_version": "6.0.16"}, ConcernKind.VERSION, "version 6.0.16"),
        ({"redis_version": "2.8.4"}, ConcernKind.VERSION, "Redis 6.2 or newer"),
        ({"redis_mode": "sentinel"}, ConcernKind.MODE, "redis+sentinel://"),
        ({"redis_mode": "cluster"}, ConcernKind.MODE, "redis+cluster://"),
        (
            {"role": "slave", "master_host": "h", "master_port": 7},
            ConcernKind.REPLICA,
            "replica of h:7",
        ),
        (
            {"maxmemory": 10**9, "maxmemory_policy": "allkeys-lfu"},
            ConcernKind.EVICTION,
            "labels among them",
        ),
        (
            {"maxmemory": 10**9, "maxmemory_policy": "volatile-ttl"},
            ConcernKind.EVICTION,
            "answers by which a repeat is known",
        ),
    ],
)
def test_what_would_lose_labels_or_cannot_work_is_refused(changes, kind, words):
    (concern,) = concerns(**changes)
    assert (concern.kind, concern.is_refused) == (kind, True)
    assert words in str(concern)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, ConcernKind.EVICTION, "would delete keys"),
        ({"aof_enabled": 0}, ConcernKind.NO_APPEND_ONLY_FILE, "set appendonly yes"),
        ({"fsync": "everysec"}, ConcernKind.FSYNC, "set appendfsync always"),
        ({"fsync": "no"}, ConcernKind.FSYNC, "has appendfsync no"),
        ({"aof_last_write_status": "err"}, ConcernKind.WRITE_ERROR, "make room on its disk"),
        ({"aof_last_bgrewrite_status": "err"}, ConcernKind.REWRITE_ERROR, "BGREWRITEAOF"),
        ({"rdb_last_bgsave_status": "err"}, ConcernKind.SNAPSHOT_ERROR, "BGSAVE"),
        (
            {"used_memory": 95 * 2**20, "maxmemory": 100 * 2**20},
            ConcernKind.MEMORY,
            "95 MB of the 100 MB",
        ),
        ({"awaited": 2}, ConcernKind.TOO_FEW_REPLICAS, "has 0 replicas, and 2 must"),
        (
            {"connected_slaves": 1, "slave0": IN_STEP},
            ConcernKind.REPLICAS_NOT_AWAITED,
            "min-replicas-to-write 1",
        ),
        (
            {"connected_slaves": 2, "slave0": IN_STEP, "slave1": LATE, "awaited": 1},
            ConcernKind.REPLICAS_BEHIND,
            "1 of 2 replicas",
        ),
    ],
)
def test_what_a_crash_may_cost_is_told(changes, kind, words):
    (concern,) = concerns(**changes)
    assert (concern.kind, concern.is_refused) == (kind, False)
    assert words in str(concern)


@pytest.mark.parametrize(
    "changes",
    [
        {"redis_version": "6.2.0"},
        {"redis_version": "10.0.1"},
        {"redis_version": "unstable"},
        {"fsync": ""},
        {"used_memory": 50 * 2**20, "maxmemory": 100 * 2**20},
        {"connected_slaves": 1, "slave0": IN_STEP, "min_slaves_good_slaves": 1},
        {"connected_slaves": 1, "slave0": IN_STEP, "awaited": 1},
    ],
)
def test_what_is_as_it_should_be_is_not_told(changes):
    assert concerns(**changes) == []


def test_without_an_append_only_file_how_often_it_is_synced_does_not_matter():
    (concern,) = concerns("everysec", aof_enabled=0)
    assert concern.kind is ConcernKind.NO_APPEND_ONLY_FILE


@pytest.mark.parametrize(("ahead_s", "words"), [(30.0, "30 s ahead"), (-7.0, "7 s behind")])
def test_a_clock_that_differs_is_told(ahead_s: float, words: str):
    (concern,) = concerns_of(Standing(GOOD, "always", clock_ahead_s=ahead_s))
    assert concern.kind is ConcernKind.CLOCK
    assert words in concern.found


def test_clocks_that_differ_by_little_are_not_told():
    assert concerns_of(Standing(GOOD, "always", clock_ahead_s=-2.0)) == []


def test_what_cannot_be_looked_at_is_told_and_not_passed_over():
    (concern,) = concerns_of(Standing({}, "", hidden=("INFO", "CONFIG GET")))
    assert concern.kind is ConcernKind.HIDDEN
    assert "run INFO and CONFIG GET" in concern.found
    assert not concern.is_refused


def test_of_a_cluster_the_server_is_named():
    standing = Standing(GOOD | {"aof_enabled": 0}, server="h:7001", through_cluster=True)
    assert str(concerns_of(standing)[0]).startswith("the Redis at h:7001 keeps no")
