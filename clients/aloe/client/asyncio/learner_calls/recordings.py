"""What is asked of the recordings of a pool."""
# ruff: noqa: ASYNC109 - a timeout is a deadline here, known to the server

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from aloe.client import types
from aloe.client.asyncio.ending import Ending
from aloe.client.asyncio.runner import AsyncRunner
from aloe.client.errors import AloeError
from aloe.client.operations import recordings
from aloe.client.operations.recordings import RPC, RecordingImport
from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.audio import DEFAULT_DECODING, Decoding
from aloe.values.cuts import Cut


class RecordingCalls:
    """What is asked of the recordings of a pool."""

    _runner: AsyncRunner

    async def import_recording(
        self,
        pool_id: str,
        recording_id: str,
        file: Path,
        cut: Cut,
        *,
        uri: str | None = None,
        decoding: Decoding = DEFAULT_DECODING,
        attributes: Attributes = NO_ATTRIBUTES,
        on_progress: Callable[[types.RecordingProgress], None] | None = None,
        timeout: timedelta | None = None,
    ) -> types.RecordingSummary:
        make = partial(
            RecordingImport,
            pool_id,
            recording_id,
            file,
            cut,
            uri=uri,
            decoding=decoding,
            given=attributes,
            on_progress=on_progress,
        )
        running = await asyncio.to_thread(make)
        schedule = self._runner.endpoint.outage_schedule(timeout)
        while True:
            wanted: asyncio.Queue[bool] = asyncio.Queue()
            call = self._runner.start(RPC, _requests(running, wanted), timeout_s=None)
            ending = Ending(call)
            try:
                async for response in call:
                    if response.WhichOneof("content") == "report":
                        return recordings.parse_report(response.report)
                    if response.HasField("audio_needed"):
                        wanted.put_nowait(True)
                    elif running.tell(response.progress):
                        schedule.progressed()
                failure: AloeError = self._runner.endpoint.ended_early(RPC)
            except (grpc.RpcError, asyncio.CancelledError) as raised:
                failure = await self._runner.failure(RPC, raised, ending)
            finally:
                wanted.put_nowait(False)
                call.cancel()
            await asyncio.sleep(schedule.delay_s(failure))

    async def get_recording(
        self, pool_id: str, recording_id: str, *, timeout: timedelta | None = None
    ) -> types.PoolRecording:
        return await self._runner.run(recordings.get_recording(pool_id, recording_id), timeout)

    def list_recordings(
        self, pool_id: str, *, timeout: timedelta | None = None
    ) -> AsyncIterator[types.PoolRecording]:
        return self._runner.pages(recordings.list_recordings(pool_id), timeout)

    async def delete_recordings(
        self, pool_id: str, recording_ids: Sequence[str], *, timeout: timedelta | None = None
    ) -> types.DeletedRecordings:
        operation = recordings.delete_recordings(pool_id, recording_ids)
        return await self._runner.run(operation, timeout)


async def _requests(running: RecordingImport, wanted: "asyncio.Queue[bool]") -> AsyncIterator[Any]:
    """Yield the header, and the file once it is asked for."""
    yield running.header
    if await wanted.get():
        chunks = running.chunks()
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk
