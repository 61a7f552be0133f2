"""The Store in Redis: pools and tasks, each change one atomic script.

Every key by its full name. {…} is a hash tag: in a cluster it keeps the small keys of one task or
pool on one node. All but the answers to requests live until their pool or task is deleted; what
follows from the rest (mapped) may be gone at any time.

| key | type | holds |
| --- | --- | --- |
| aloe:schema | string | version of this table |
| aloe:identity | string | id of all this data, made when it is first asked for |
| aloe:pools, aloe:tasks | set | ids; may name some that are gone or were never created |
| aloe:{pool:ID}:meta | hash | spec (JSON), epoch, clip_count (of rows), other counts, indexed |
| aloe:{pool:ID}:clips | list | one clip a row (JSON), retired ones too |
| aloe:{pool:ID}:rows | hash | clip id -> "row content-hash"; "row" where it names none any more |
| aloe:{pool:ID}:contents | hash | content hash -> "row row ..." of clips that are not retired |
| aloe:{pool:ID}:marks | list | ids of the last 10,000 changes of all kinds, in order |
| aloe:{pool:ID}:changes | list | "row clip" (JSON) of clips that were there before, in order |
| aloe:{pool:ID}:chunks | list | "first-row row-count chunk-id", in order |
| aloe:{pool:ID}:maps | hash | name -> map of the pool's vectors |
| aloe:{pool:ID}:recordings | hash | id -> recording (JSON) |
| aloe:{pool:ID}:fitting:EPOCH:KIND | string | who fits the next map of a kind; for some seconds |
| aloe:{pool:ID}:tasks | set | ids of tasks on it; may name some that are gone or elsewhere |
| aloe:chunk:ID:EPOCH:CHUNK | string | up to 255 vectors, float32, immutable; untagged to spread |
| aloe:mapped:ID:EPOCH:CHUNK:MAP | string | what a map made of a chunk of 255, float32, immutable |
| aloe:{task:ID}:meta | hash | spec with revision (JSON), epoch, budget, counters, fence; once
classes were changed, what labels of each count as (JSON) |
| aloe:{task:ID}:labels | hash | row -> state, class, time, oracle, lease, content hash (JSON) |
| aloe:{task:ID}:holds | hash | row -> lease that holds it |
| aloe:{task:ID}:leases | hash | lease -> row, oracle, expiry, if it holds, content hash (JSON) |
| aloe:{task:ID}:expiries | sorted set | lease by when it ends; ended ones by when they go |
| aloe:{task:ID}:events | stream | everything that changed, in order |
| aloe:{task:ID}:heads | hash | version -> weights and biases, version:map -> its map,
version:classes -> classes of the columns, and which had no label (JSON); the last few, and those
with version:kept, which were ever promoted |
| aloe:{task:ID}:rounds | hash | version -> round (JSON) |
| aloe:{task:ID}:promotions | hash | name -> heads that have and had it, with times (JSON) |
| aloe:{task:ID}:request:EPOCH:KIND:RID | string | answer to a request id, for a day |
"""

import uuid
from functools import partial

from aloe.learner.adapters.redis.durability import DurabilityWatch, Tell
from aloe.learner.adapters.redis.orphans import OrphanSweep
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pools import RedisPools
from aloe.learner.adapters.redis.schema import prepare_schema
from aloe.learner.adapters.redis.scripts import guarded, reading
from aloe.learner.adapters.redis.tasks import RedisTasks
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.errors import StoreDamaged, StoreForbidden, StoreUnfit
from aloe.redis.connecting import RedisClient, connect_blocking, connect_redis
from aloe.redis.keys import IDENTITY
from aloe.wire.names import check_id


class RedisStore(RedisPools, RedisTasks):
    """The Store of a Redis, of whatever kind."""

    def __init__(
        self,
        client: RedisClient,
        vectors: VectorReader,
        replica_count: int = 0,
        watch: DurabilityWatch | None = None,
    ) -> None:
        pipelines = Pipelines(client, replica_count)
        RedisPools.__init__(self, client, pipelines, vectors)
        RedisTasks.__init__(self, client, pipelines)
        self._keeps_order = pipelines.keeps_order
        self._watch, self._sweep = watch, OrphanSweep(client)

    @classmethod
    def of_url(
        cls, url: str, *, replica_count: int = 0, tell: Tell = lambda _: None
    ) -> "RedisStore":
        """Make one; nothing is sent yet.

        Args:
            url: see aloe.redis.connecting.URL_FORMS.
            replica_count: how many replicas must have a change before it counts as done; not
                in a cluster.
            tell: is told from `prepare` on what about Redis may cost labels.

        Raises:
            ValueError: the URL is none, or of a cluster with a replica_count.
        """
        if replica_count and "+cluster://" in url:
            raise ValueError("waiting for replicas works on one server or Sentinel, not a cluster")
        return cls(
            connect_redis(url),
            VectorReader(partial(connect_blocking, url)),
            replica_count,
            DurabilityWatch(url, replica_count, tell),
        )

    async def prepare(self) -> None:
        """Mark new data with its schema, migrate older data; watch what may be lost from now on.

        Raises:
            SchemaTooNew: the data is newer than this server.
            StoreUnfit: it is no Redis to keep labels in, or cannot be used as it is set up.
            StoreUnavailable: Redis cannot be reached.
        """
        if self._watch:
            await self._watch.start()
        try:
            await prepare_schema(self._redis)
            await self.identity()
        except (StoreDamaged, StoreForbidden) as error:
            raise StoreUnfit(str(error)) from error
        self._sweep.start()

    @property
    def keeps_order(self) -> bool:
        return self._keeps_order

    @guarded
    async def identity(self) -> str:
        with reading(IDENTITY):
            known = await self._redis.get(IDENTITY)
            if known is None:
                await self._redis.set(IDENTITY, uuid.uuid4().hex, nx=True)
                known = await self._redis.get(IDENTITY)
            return check_id(str(known, "ascii"))

    async def close(self) -> None:
        if self._watch:
            await self._watch.stop()
        await self._sweep.stop()
        self._vectors.close()
        await self._redis.aclose()
