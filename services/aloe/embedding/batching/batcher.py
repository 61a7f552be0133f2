"""Runs clips in batches on inference threads; the next batch forms while others run."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from aloe.admission.errors import ShuttingDown
from aloe.embedding.batching.batch_queue import Batch, BatchQueue, Embedded, Waiting
from aloe.embedding.batching.limits import BatchLimits
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import DeadlineExpired
from aloe.embedding.ports.encoder import Encoder
from aloe.embedding.ports.recorder import BatchReport

_SHUTTING_DOWN = "the server is shutting down; try again in a moment"

_log = logging.getLogger(__name__)


class Batcher:
    """Runs the clips of all encoders, `thread_count` batches at a time.

    All methods are for the event loop that made it; `on_batch` is called there too.
    """

    def __init__(
        self,
        limits: BatchLimits,
        *,
        on_batch: Callable[[BatchReport], None],
        thread_count: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = BatchQueue(limits)
        self._on_batch = on_batch
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._idle_count = thread_count
        self._closing = False
        self._threads = [
            threading.Thread(target=self._run, name=f"inference-{number}", daemon=True)
            for number in range(thread_count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, encoder: Encoder, clips: Sequence[Float32Array], deadline: float
    ) -> list[asyncio.Future[Embedded]]:
        """Queue clips, (n_samples,) float32 each; one future per clip.

        Cancelling a future takes its clip out of the queue. A future may raise DeadlineExpired
        (`deadline` is on the batcher's clock), ShuttingDown, or what the encoder raised.
        """
        length_of = encoder.info.length_policy.canonical_length
        now = self._clock()
        waiting = [
            Waiting(
                encoder,
                samples,
                length_of(samples.size),
                now,
                deadline,
                self._loop.create_future(),
            )
            for samples in clips
        ]
        with self._changed:
            if self._closing:
                _fail(waiting, ShuttingDown(_SHUTTING_DOWN))
            else:
                for clip in waiting:
                    self._queue.push(clip)
                self._changed.notify(len(waiting))
        return [clip.future for clip in waiting]

    def queue_depths(self) -> Mapping[str, int]:
        """Return how many clips wait, by encoder. From any thread."""
        with self._changed:
            return self._queue.depths()

    async def close(self) -> None:
        """Drop what waits and end the threads once their batches are done."""
        with self._changed:
            self._closing = True
            dropped = self._queue.clear()
            self._changed.notify_all()
        _fail(dropped, ShuttingDown(_SHUTTING_DOWN))
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            self._embed(batch)
            del batch  # It may be long until the next one comes.
            with self._changed:
                self._idle_count += 1

    def _embed(self, batch: Batch) -> None:
        started = self._clock()
        try:
            rows = batch.clips[0].encoder.embed(_stack(batch))
            _check(rows, batch)
        except Exception as error:  # noqa: BLE001  # the thread must outlive any encoder's failure
            self._tell(_fail, batch.clips, error)
        else:
            self._tell(self._deliver, batch, rows, started, self._clock())

    def _next(self) -> Batch | None:
        """Wait for a batch; None when closing."""
        with self._changed:
            while not self._closing:
                batch, expired = self._queue.pop(self._clock(), sharer_count=self._idle_count)
                if expired:
                    self._tell(_fail, expired, DeadlineExpired("its deadline passed in the queue"))
                if batch is not None:
                    self._idle_count -= 1
                    return batch
                self._changed.wait()
        return None

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the event loop has closed: nobody waits for the result
            _log.debug("a batch outlived its event loop")

    def _deliver(self, batch: Batch, rows: Float32Array, started: float, ended: float) -> None:
        for clip, row in zip(batch.clips, rows, strict=False):
            if not clip.future.done():
                clip.future.set_result(Embedded(row, started - clip.arrival, ended - started))
        length = batch.clips[0].length
        self._on_batch(
            BatchReport(
                encoder_id=batch.clips[0].encoder.info.encoder_id,
                clip_count=len(batch.clips),
                row_count=batch.row_count,
                sample_count=length,
                heard_sample_count=sum(min(clip.samples.size, length) for clip in batch.clips),
                queue_s=[started - clip.arrival for clip in batch.clips],
                duration_s=ended - started,
            )
        )


def _check(rows: Float32Array, batch: Batch) -> None:
    if len(rows) != batch.row_count:
        raise ValueError(f"the encoder gave {len(rows)} embeddings for {batch.row_count} clips")


def _stack(batch: Batch) -> Float32Array:
    """Write the clips into (row_count, canonical_length) float32; rows beyond them are silent."""
    first = batch.clips[0]
    policy = first.encoder.info.length_policy
    rows = np.zeros((batch.row_count, first.length), dtype=np.float32)
    for row, clip in zip(rows, batch.clips, strict=False):
        policy.write(clip.samples, row)
    return rows


def _fail(clips: Sequence[Waiting], error: Exception) -> None:
    for clip in clips:
        if not clip.future.done():
            clip.future.set_exception(error)
