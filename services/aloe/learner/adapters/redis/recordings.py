"""The recordings of pools in Redis."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from aloe.learner.adapters import refusals
from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.pipeline import Pipelines
from aloe.learner.adapters.redis.pool_reads import PoolKeys, PoolReads
from aloe.learner.adapters.redis.scripts import Script, guarded, reading
from aloe.learner.adapters.redis.vectors import VectorReader
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.windows import Recording
from aloe.redis.connecting import RedisClient


class RedisRecordings(PoolReads):
    """What a PoolStore does with recordings."""

    def __init__(self, client: RedisClient, pipelines: Pipelines, vectors: VectorReader) -> None:
        super().__init__(client, pipelines, vectors)
        self._put_recording = Script(pipelines.write, "put_recording")
        self._remove_recordings = Script(pipelines.write, "remove_recordings")

    @guarded
    async def put_recording(
        self, pool: Pool, recording: Recording, *, is_known: bool = False
    ) -> None:
        said = await self._changed_by(
            self._put_recording,
            pool,
            recording.recording_id,
            recording.content_hash,
            codec.dump_recording(recording),
            str(int(is_known)),
        )
        if said == b"POOL_NOT_FOUND":
            raise refusals.pool_deleted(pool.pool_id)
        if said == b"GONE":
            raise refusals.recording_deleted(pool.pool_id, recording.recording_id)
        if said == b"TAKEN":
            raise refusals.recording_id_taken(pool.pool_id, recording)

    @guarded
    async def list_recording_ids(self, pool: Pool) -> list[str]:
        key = PoolKeys(pool.pool_id).recordings
        with reading(key):
            ids = sorted(each.decode() for each in await self._redis.hkeys(key))
        await self.check_pool(pool)
        return ids

    @guarded
    async def read_recordings(
        self, pool: Pool, recording_ids: Sequence[str]
    ) -> list[Recording | None]:
        key = PoolKeys(pool.pool_id).recordings
        texts = await self._values(key, recording_ids)
        await self.check_pool(pool)
        with reading(key):
            return [
                None if text is None else codec.load_recording(recording_id, text)
                for recording_id, text in zip(recording_ids, texts, strict=True)
            ]

    @guarded
    async def remove_recordings(self, pool: Pool, recording_ids: Sequence[str]) -> int:
        count: int = await self._changed_by(self._remove_recordings, pool, *recording_ids)
        if count < 0:
            raise refusals.pool_deleted(pool.pool_id)
        return count

    async def _changed_by(self, script: Script, pool: Pool, *args: str) -> Any:
        keys = PoolKeys(pool.pool_id)
        used = [keys.meta, keys.recordings]
        try:
            return await script(used, pool.epoch, *args)
        except ResponseError:
            await self._kinds(used, "hash", "hash")  # Names it.
            raise
