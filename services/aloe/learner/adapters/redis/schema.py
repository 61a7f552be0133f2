"""The version of the data in Redis: a newer server migrates it, an older one refuses to start."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from aloe.learner.adapters.redis.scripts import guarded, reading
from aloe.learner.domain.errors import SchemaTooNew
from aloe.redis.connecting import RedisClient
from aloe.redis.keys import SCHEMA as SCHEMA_KEY
from aloe.redis.keys import SCHEMA_VERSION

Migration = Callable[[RedisClient], Awaitable[None]]
"""Brings the data from one version to the next. It may run twice, and on several servers at once:
it is repeated when it was interrupted."""


async def _clips_have_a_life(_: RedisClient) -> None:
    """Nothing to do at once: contents of older pools are noted when a pool is first changed.

    But older servers must not come back: they would ask for clips that were deleted.
    """


async def _labels_name_their_clips(_: RedisClient) -> None:
    """Nothing to do at once: what does not name its clip is taken for that of its row.

    A pool gets its history when it is first changed. But older servers must not come back: they
    would write more labels that do not name their clips.
    """


async def _heads_name_their_maps(_: RedisClient) -> None:
    """Nothing to do at once: heads without a map read the embeddings.

    But older servers must not come back: they would take all heads for such.
    """


async def _clips_have_attributes(_: RedisClient) -> None:
    """Nothing to do at once: clips that do not tell of attributes have none.

    Nor are they windows; tasks that do not tell of it have the classes that they began with, and
    one label a clip. But older servers must not come back: they cannot read what does.
    """


MIGRATIONS: Mapping[int, Migration] = {
    1: _clips_have_a_life,
    2: _labels_name_their_clips,
    3: _heads_name_their_maps,
    4: _clips_have_attributes,
}
"""By the version they start from."""

_log = logging.getLogger(__name__)


@guarded
async def prepare_schema(
    client: RedisClient,
    *,
    version: int = SCHEMA_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> None:
    """Mark new data with the version, migrate older data.

    Raises:
        SchemaTooNew: the data is newer than this server.
        StoreUnavailable: Redis cannot be reached.
        StoreFull: there is no room to mark new data.
    """
    with reading(SCHEMA_KEY):
        await mark_schema(client, version)
        stored = int(await client.get(SCHEMA_KEY))
    if stored > version:
        raise SchemaTooNew(
            f"this Redis holds data of schema {stored}, and this server knows schemas up to"
            f" {version}: run a newer ALOE"
        )
    for step in range(stored, version):
        _log.info("migrating the data in Redis from schema %d to %d", step, step + 1)
        await migrations[step](client)
        await client.set(SCHEMA_KEY, step + 1)


async def mark_schema(client: RedisClient, version: int = SCHEMA_VERSION) -> None:
    """Mark data that have no version with one."""
    if await client.get(SCHEMA_KEY) is None:
        # Only then: a Redis without room denies it even where it would change nothing.
        await client.set(SCHEMA_KEY, version, nx=True)
