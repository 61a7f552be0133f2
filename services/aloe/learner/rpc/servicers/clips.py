"""RPCs about clips."""

from collections.abc import AsyncIterator
from typing import Any

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.rpc import (
    attributes,
    fields,
    pools,
    recordings,
    searches,
)
from aloe.learner.rpc.servicers.base import Rpcs
from aloe.learner.usecases.recordings import check_context
from aloe.serving.guard import caller_of
from aloe.serving.idle import while_taken
from aloe.v1 import (
    pool_pb2,
    search_pb2,
)
from aloe.wire.bounds import CHANGED_CLIP_COUNT, CLIP_PAGE_COUNT


class ClipRpcs(Rpcs):
    """RPCs about clips."""

    async def ImportClips(
        self, request_iterator: AsyncIterator[pool_pb2.ImportClipsRequest], context: Any
    ) -> pool_pb2.ImportClipsResponse:
        caller = caller_of(context)
        messages = self._learner.importer.messages(request_iterator, caller)
        first = await anext(messages, None)
        if first is None:
            raise InvalidInput.of("pool", "the stream is empty; send at least one message")
        pool_id, rules = fields.read_pool_id(first.pool, "pool"), pools.read_rules(first)
        fingerprint = first.encoder_fingerprint
        batches = pools.read_batches(first, messages)
        del first  # Its clips are not held any longer than they take.
        report = await self._learner.importer.import_clips(
            pool_id, fingerprint, batches, rules, caller
        )
        return pools.write_report(pool_id, report)

    async def ListClips(
        self, request: pool_pb2.ListClipsRequest, context: Any
    ) -> pool_pb2.ListClipsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        first_row = fields.read_page_offset(request.page_token)
        count = fields.read_page_size(request.page_size, CLIP_PAGE_COUNT)
        clips, next_row = await self._learner.pools.list_clips(
            pool_id, first_row, count, parse_filter(request.filter)
        )
        return pool_pb2.ListClipsResponse(
            clips=[pools.write_clip(pool_id, clip) for clip in clips],
            next_page_token="" if next_row is None else str(next_row),
        )

    async def SearchClips(
        self, request: search_pb2.SearchClipsRequest, context: Any
    ) -> search_pb2.SearchClipsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        outcome = await self._learner.searching.search(pool_id, searches.read_search(request))
        return searches.write_outcome(pool_id, outcome)

    async def GetClip(
        self, request: pool_pb2.GetClipRequest, context: Any
    ) -> pool_pb2.GetClipResponse:
        name = fields.read_clip_name(request.name, "name")
        clip = await self._learner.pools.get_clip(name.pool_id, name.clip_id)
        return pool_pb2.GetClipResponse(clip=pools.write_clip(name.pool_id, clip))

    async def DeleteClips(
        self, request: pool_pb2.DeleteClipsRequest, context: Any
    ) -> pool_pb2.DeleteClipsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        removal = await self._learner.pools.delete_clips(
            pool_id, pools.read_names(request.names, pool_id, CHANGED_CLIP_COUNT)
        )
        return pool_pb2.DeleteClipsResponse(
            deleted_count=removal.clip_count,
            name_count=removal.name_count,
            absent_count=removal.absent_count,
        )

    async def UpdateClips(
        self, request: pool_pb2.UpdateClipsRequest, context: Any
    ) -> pool_pb2.UpdateClipsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        updated_count = await self._learner.pools.update_clips(
            pool_id, attributes.read_updates(request.updates, pool_id)
        )
        return pool_pb2.UpdateClipsResponse(updated_count=updated_count)

    async def RenameClip(
        self, request: pool_pb2.RenameClipRequest, context: Any
    ) -> pool_pb2.RenameClipResponse:
        name = fields.read_clip_name(request.name, "name")
        new_id = fields.read_id(request.new_id, "new_id")
        clip = await self._learner.pools.rename_clip(name.pool_id, name.clip_id, new_id)
        return pool_pb2.RenameClipResponse(clip=pools.write_clip(name.pool_id, clip))

    async def GetClipAudio(
        self, request: pool_pb2.GetClipAudioRequest, context: Any
    ) -> pool_pb2.GetClipAudioResponse:
        name = fields.read_clip_name(request.name, "name")
        context_ = recordings.read_context(request)
        clip = await self._learner.pools.get_clip(name.pool_id, name.clip_id)
        check_context(context_, clip)
        if clip.window is not None:
            sound = await self._learner.recordings.window_audio(name.pool_id, clip, context_)
            return pool_pb2.GetClipAudioResponse(
                content=sound.content,
                media_type="audio/wav",
                start_offset=fields.write_duration(sound.start_s),
                end_offset=fields.write_duration(sound.end_s),
            )
        file = await self._learner.pools.clip_audio(name.pool_id, clip)
        return pool_pb2.GetClipAudioResponse(content=file.content, media_type=file.media_type)

    async def ExportClips(
        self, request: pool_pb2.ExportClipsRequest, context: Any
    ) -> AsyncIterator[pool_pb2.ExportClipsResponse]:
        pool_id = fields.read_pool_id(request.pool, "pool")
        skip_count = fields.read_row(request.skip_count, "skip_count")
        blocks = self._learner.pools.export_clips(pool_id, skip_count, parse_filter(request.filter))
        messages = (pools.write_block(pool_id, *block) async for block in blocks)
        async for message in while_taken(context, self._export_idle_s, messages):
            yield message
