"""Goes through all that the learner keeps in a Redis, and mends what can be mended.

Each pool and each task is looked at and mended by one script, so that learners may go on meanwhile:
a script that mends looks again. What cannot be read is set aside under `aloe:damaged:`; nothing is
deleted but what follows from the rest, such as a counter.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from aloe.redis.connecting import BlockingRedisClient
from aloe.redis.keys import (
    CHUNKS,
    IDENTITY,
    MAPPED,
    POOL_IDS,
    POOL_KINDS,
    SCHEMA,
    SCHEMA_VERSION,
    TASK_IDS,
    TASK_KINDS,
)

ASIDE = "aloe:damaged"
_ENDED_LEASE_LIFE_MS = 7 * 24 * 3_600_000
_OWNED = re.compile(r"aloe:\{(pool|task):(.+)\}:(\w+)$")


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that no learner wrote, or that lacks."""

    key: str
    found: str
    mend: str
    """What mending does; begins with "nothing" where nothing can be done here."""
    cost: str = ""
    """What is lost all the same; empty if nothing is."""

    @property
    def can_be_mended(self) -> bool:
        """Whether mending does something."""
        return not self.mend.startswith("nothing")


def examine(client: BlockingRedisClient, *, mends: bool) -> Iterator[Damage]:
    """Yield what is damaged, and mend it if told to; a second look then finds only the rest.

    Raises:
        RedisError: Redis cannot be reached, or refuses.
    """
    owners = _owners(client)
    for key, kind in (
        (SCHEMA, "string"),
        (IDENTITY, "string"),
        (POOL_IDS, "set"),
        (TASK_IDS, "set"),
    ):
        yield from _kind(client, key, kind, mends=mends)
    yield from _schema(client, mends=mends, is_ours=bool(owners["pool"] or owners["task"]))
    for owner, kinds, index in (
        ("pool", POOL_KINDS, POOL_IDS),
        ("task", TASK_KINDS, TASK_IDS),
    ):
        for owner_id in sorted(owners[owner]):
            yield from _examine(client, owner, owner_id, kinds, mends=mends)
        yield from _index(client, index, owner, owners[owner], mends=mends)
    yield from _tasks_of_pools(client, owners, mends=mends)
    yield from _vectors(client, owners["pool"])
    yield from _mapped(client, mends=mends)


def _owners(client: BlockingRedisClient) -> dict[str, set[str]]:
    """Return the ids of the pools and of the tasks of which there is any key."""
    owners: dict[str, set[str]] = {"pool": set(), "task": set()}
    for key in client.scan_iter("aloe:{*", count=1_000):
        owned = _OWNED.match(key.decode())
        if owned and owned[3] in (*POOL_KINDS, *TASK_KINDS):
            owners[owned[1]].add(owned[2])
    return owners


def _aside(key: str) -> str:
    """Return where a key is set aside: in a cluster on the same node."""
    tagged = key if "{" in key else f"{{{key}}}"
    return f"{ASIDE}:{uuid.uuid4().hex[:8]}:{tagged}"


def _kind(client: BlockingRedisClient, key: str, kind: str, *, mends: bool) -> Iterator[Damage]:
    stored = client.type(key).decode()
    if stored in ("none", kind):
        return
    aside = _aside(key)
    cost = "recordings kept so far are found under the former id only" if key == IDENTITY else ""
    yield Damage(key, f"it is a {stored} and should be a {kind}", f"it is renamed to {aside}", cost)
    if mends:
        client.renamenx(key, aside)


def _schema(client: BlockingRedisClient, *, mends: bool, is_ours: bool) -> Iterator[Damage]:
    stored = client.get(SCHEMA) if client.type(SCHEMA) == b"string" else None
    if is_ours and (stored is None or not stored.isdigit()):
        yield Damage(
            SCHEMA,
            f"it is {_shown(stored)} and should be a number",
            f"it is set to {SCHEMA_VERSION}",
        )
        if mends:
            client.set(SCHEMA, SCHEMA_VERSION)


def _shown(value: bytes | None) -> str:
    return "missing" if value is None else repr(value[:40].decode(errors="replace"))


def _examine(
    client: BlockingRedisClient,
    owner: str,
    owner_id: str,
    kinds: Mapping[str, str],
    *,
    mends: bool,
) -> Iterator[Damage]:
    keys = [f"aloe:{{{owner}:{owner_id}}}:{name}" for name in kinds]
    script = (files("aloe.redis.repair") / f"examine_{owner}.lua").read_text()
    mark = uuid.uuid4().hex
    asides = [_aside(key) for key in keys]
    told = client.eval(
        script, 2 * len(keys), *keys, *asides, int(mends), mark, _ENDED_LEASE_LIFE_MS
    )
    for damage in _read(told):
        yield Damage(*damage)


def _read(told: bytes) -> list[list[str]]:
    found: list[list[str]] | dict[str, Any] = json.loads(told)
    return found if isinstance(found, list) else []  # Lua writes an empty list as an object.


def _index(
    client: BlockingRedisClient, index: str, owner: str, owner_ids: set[str], *, mends: bool
) -> Iterator[Damage]:
    """Name what the index lacks; what it names and is not there may be about to be made."""
    named = client.smembers(index) if client.type(index) == b"set" else set()
    lacking = {
        each
        for each in owner_ids - {member.decode(errors="replace") for member in named}
        if client.type(f"aloe:{{{owner}:{each}}}:meta") == b"hash"
    }
    for owner_id in sorted(lacking):
        yield Damage(index, f"{owner_id} is missing", "it is added")
        if mends:
            client.sadd(index, owner_id)


def _tasks_of_pools(
    client: BlockingRedisClient, owners: Mapping[str, set[str]], *, mends: bool
) -> Iterator[Damage]:
    for task_id in sorted(owners["task"]):
        key = f"aloe:{{task:{task_id}}}:meta"
        spec = client.hget(key, "spec") if client.type(key) == b"hash" else None
        pool_id = _pool_of(spec)
        if pool_id not in owners["pool"]:
            if pool_id:
                found = f"its pool {pool_id} is not there"
                yield Damage(key, found, "nothing: bring the pool back, or delete the task")
            continue
        index = f"aloe:{{pool:{pool_id}}}:tasks"
        if client.type(index) in (b"none", b"set") and not client.sismember(index, task_id):
            yield Damage(index, f"{task_id} is missing", "it is added")
            if mends:
                client.sadd(index, task_id)


def _pool_of(spec: bytes | None) -> str:
    try:
        return str(json.loads(spec or b"")["pool_id"])
    except (ValueError, KeyError, TypeError):
        return ""


def _vectors(client: BlockingRedisClient, pool_ids: set[str]) -> Iterator[Damage]:
    """Name vectors that are gone, which only a backup has."""
    remedy = "nothing: bring the pool back from a backup, or delete it and import it again"
    for pool_id in sorted(pool_ids):
        prefix = f"aloe:{{pool:{pool_id}}}:"
        if client.type(f"{prefix}meta") != b"hash" or client.type(f"{prefix}chunks") != b"list":
            continue
        epoch = (client.hget(f"{prefix}meta", "epoch") or b"").decode()
        for text in client.lrange(f"{prefix}chunks", 0, -1):
            key = f"{CHUNKS}{pool_id}:{epoch}:{text.decode().rpartition(' ')[2]}"
            stored = client.type(key).decode()
            # A chunk may have been replaced by a longer one since the list was read.
            if stored != "string" and client.lpos(f"{prefix}chunks", text) is not None:
                found = "its vectors are gone" if stored == "none" else f"it is a {stored}"
                yield Damage(key, found, remedy)


def _mapped(client: BlockingRedisClient, *, mends: bool) -> Iterator[Damage]:
    """Name what maps made of vectors and is of another kind, which learners make anew."""
    for key in client.scan_iter(f"{MAPPED}*", count=1_000):
        stored = client.type(key).decode()
        if stored not in ("none", "string"):
            found = f"it is a {stored} and should be a string"
            yield Damage(key.decode(), found, "it is deleted; learners make it anew")
            if mends:
                client.unlink(key)
