"""What is asked of the recordings of a pool."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc

from aloe.client import types
from aloe.client.blocking.runner import SyncRunner
from aloe.client.errors import AloeError
from aloe.client.operations import recordings
from aloe.client.operations.recordings import RPC, RecordingImport
from aloe.values.attributes import NO_ATTRIBUTES, Attributes
from aloe.values.audio import DEFAULT_DECODING, Decoding
from aloe.values.cuts import Cut


class RecordingCalls:
    """What is asked of the recordings of a pool."""

    _runner: SyncRunner

    def import_recording(
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
        """Cut a recording of any length into windows, which become clips.

        The file is sent only where the server cannot read it itself. Windows that are there already
        are skipped: an import that broke off can be run again. Where the recording breaks off, the
        summary's recording has a problem, and all that comes before was taken.

        Args:
            pool_id: the pool.
            recording_id: at most 96 characters; windows have ids such as "night~5000-10000".
            file: the recording.
            cut: what is cut out of it.
            uri: where it lies; by default that is its path on this machine, "" tells nobody.
            decoding: how it is read.
            attributes: what else is known of it; its windows have these as well.
            on_progress: told about once a second how far it is.
            timeout: how long the server may be away, or nothing come of it, before it fails.
        """
        running = RecordingImport(
            pool_id,
            recording_id,
            file,
            cut,
            uri=uri,
            decoding=decoding,
            given=attributes,
            on_progress=on_progress,
        )
        schedule = self._runner.endpoint.outage_schedule(timeout)
        while True:
            feed = _Feed(running)
            call = self._runner.start(RPC, feed.requests(), timeout_s=None)
            try:
                for response in call:
                    if response.WhichOneof("content") == "report":
                        return recordings.parse_report(response.report)
                    if response.HasField("audio_needed"):
                        feed.send_file()
                    elif running.tell(response.progress):
                        schedule.progressed()
                failure: AloeError = self._runner.endpoint.ended_early(RPC)
            except grpc.RpcError as error:
                failure = self._runner.endpoint.translate(error, RPC)
            finally:
                feed.end()
                call.cancel()
            time.sleep(schedule.delay_s(failure))

    def get_recording(
        self, pool_id: str, recording_id: str, *, timeout: timedelta | None = None
    ) -> types.PoolRecording:
        """Return a recording."""
        return self._runner.run(recordings.get_recording(pool_id, recording_id), timeout)

    def list_recordings(
        self, pool_id: str, *, timeout: timedelta | None = None
    ) -> Iterator[types.PoolRecording]:
        """Yield the recordings of a pool by id; the timeout is that of a page."""
        return self._runner.pages(recordings.list_recordings(pool_id), timeout)

    def delete_recordings(
        self, pool_id: str, recording_ids: Sequence[str], *, timeout: timedelta | None = None
    ) -> types.DeletedRecordings:
        """Delete recordings, up to 1,000 at a time, with their windows and the labels of these."""
        return self._runner.run(recordings.delete_recordings(pool_id, recording_ids), timeout)


class _Feed:
    """Sends the header, and the file once it is asked for."""

    def __init__(self, running: RecordingImport) -> None:
        self._running = running
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._has_ended = False

    def requests(self) -> Iterator[Any]:
        yield self._running.header
        if self._wanted.get():
            for chunk in self._running.chunks():
                if self._has_ended:
                    return
                yield chunk

    def send_file(self) -> None:
        self._wanted.put(True)

    def end(self) -> None:
        self._has_ended = True
        self._wanted.put(False)
