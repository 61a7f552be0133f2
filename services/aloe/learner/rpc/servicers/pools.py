"""RPCs about pools."""

from typing import Any

from aloe.learner.rpc import (
    fields,
    pools,
)
from aloe.learner.rpc.servicers.base import Rpcs
from aloe.learner.rpc.statuses import write_unreadable
from aloe.v1 import (
    pool_pb2,
)
from aloe.wire import names

MAX_ENCODER_NAME_LENGTH = 256


class PoolRpcs(Rpcs):
    """RPCs about pools."""

    async def CreatePool(
        self, request: pool_pb2.CreatePoolRequest, context: Any
    ) -> pool_pb2.CreatePoolResponse:
        pool = await self._learner.pools.create(
            fields.read_id(request.pool_id, "pool_id"),
            encoder_id=fields.read_text(
                request.pool.encoder_id, MAX_ENCODER_NAME_LENGTH, "pool.encoder_id"
            ),
            fingerprint=fields.read_text(
                request.pool.encoder_fingerprint,
                MAX_ENCODER_NAME_LENGTH,
                "pool.encoder_fingerprint",
            ),
            embedding_dim=request.pool.embedding_dim,
            keep_audio=request.pool.keep_audio,
        )
        return pool_pb2.CreatePoolResponse(pool=pools.write_pool(pool))

    async def GetPool(
        self, request: pool_pb2.GetPoolRequest, context: Any
    ) -> pool_pb2.GetPoolResponse:
        pool = await self._learner.pools.get(fields.read_pool_id(request.name, "name"))
        return pool_pb2.GetPoolResponse(pool=pools.write_pool(pool))

    async def ListPools(
        self, request: pool_pb2.ListPoolsRequest, context: Any
    ) -> pool_pb2.ListPoolsResponse:
        count = fields.read_page_size(request.page_size)
        listing = await self._learner.pools.list_after(
            fields.read_optional_id(request.page_token, "page_token"), count
        )
        return pool_pb2.ListPoolsResponse(
            pools=map(pools.write_pool, listing.found),
            next_page_token=listing.last_id,
            unreadable=[
                write_unreadable(names.pool_name(each), error) for each, error in listing.unreadable
            ],
        )

    async def RefitPool(
        self, request: pool_pb2.RefitPoolRequest, context: Any
    ) -> pool_pb2.RefitPoolResponse:
        maps = await self._learner.refitting.refit(fields.read_pool_id(request.name, "name"))
        return pool_pb2.RefitPoolResponse(maps=map(pools.write_map, maps))

    async def DeletePool(
        self, request: pool_pb2.DeletePoolRequest, context: Any
    ) -> pool_pb2.DeletePoolResponse:
        await self._learner.pools.delete(fields.read_pool_id(request.name, "name"))
        return pool_pb2.DeletePoolResponse()
