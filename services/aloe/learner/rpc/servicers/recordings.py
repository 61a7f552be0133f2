"""RPCs about recordings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeVar

from aloe.learner.domain.errors import InvalidInput, StreamIdle
from aloe.learner.rpc import fields, recording_import, recordings
from aloe.learner.rpc.servicers.base import Rpcs
from aloe.learner.usecases.recording_import import RecordingReport
from aloe.serving.guard import caller_of
from aloe.v1 import recording_import_pb2, recording_pb2

M = TypeVar("M")
_IDLE_S = 300.0


class RecordingRpcs(Rpcs):
    """RPCs about recordings."""

    async def ImportRecording(
        self,
        request_iterator: AsyncIterator[recording_import_pb2.ImportRecordingRequest],
        context: Any,
    ) -> AsyncIterator[recording_import_pb2.ImportRecordingResponse]:
        messages = _without_pauses(request_iterator)
        first = await anext(messages, None)
        if first is None or first.WhichOneof("content") != "header":
            raise InvalidInput.of("header", "missing; the first message of the stream has it")
        pool_id, new = recording_import.read_header(first.header)
        del first
        answers = self._learner.recording_importer.import_recording(
            pool_id, new, recording_import.read_chunks(messages), caller_of(context)
        )
        async with aclosing(answers) as coming:
            async for answer in coming:
                if isinstance(answer, RecordingReport):
                    now = await self._learner.recordings.get(pool_id, new.recording_id)
                    yield recording_import.write_report(pool_id, answer, now.window_count)
                else:
                    yield recording_import.write_answer(answer)

    async def GetRecording(
        self, request: recording_pb2.GetRecordingRequest, context: Any
    ) -> recording_pb2.GetRecordingResponse:
        name = recordings.read_recording_name(request.name, "name")
        found = await self._learner.recordings.get(name.pool_id, name.recording_id)
        return recording_pb2.GetRecordingResponse(
            recording=recordings.write_recording(name.pool_id, found.recording, found.window_count)
        )

    async def ListRecordings(
        self, request: recording_pb2.ListRecordingsRequest, context: Any
    ) -> recording_pb2.ListRecordingsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        found, last_id = await self._learner.recordings.list_after(
            pool_id,
            fields.read_optional_id(request.page_token, "page_token"),
            fields.read_page_size(request.page_size),
        )
        return recording_pb2.ListRecordingsResponse(
            recordings=[
                recordings.write_recording(pool_id, each.recording, each.window_count)
                for each in found
            ],
            next_page_token=last_id,
        )

    async def DeleteRecordings(
        self, request: recording_pb2.DeleteRecordingsRequest, context: Any
    ) -> recording_pb2.DeleteRecordingsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        deleted = await self._learner.recordings.delete(
            pool_id, recordings.read_recording_names(request.names, pool_id)
        )
        return recording_pb2.DeleteRecordingsResponse(
            deleted_count=deleted.recording_count, window_count=deleted.window_count
        )


async def _without_pauses(stream: AsyncIterator[M]) -> AsyncIterator[M]:
    """Yield what comes. Raises StreamIdle where nothing does for too long."""
    while True:
        try:
            async with asyncio.timeout(_IDLE_S):
                message = await anext(stream, None)
        except TimeoutError:
            raise StreamIdle(f"no message came for {_IDLE_S:g} s") from None
        if message is None:
            return
        yield message
        del message
