"""Runs equal clips once: keeps embeddings by content, and lets callers share a run."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from aloe.embedding.batching.batch_queue import Embedded
from aloe.embedding.batching.batcher import Batcher
from aloe.embedding.batching.shared_runs import SharedRuns
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.ports.encoder import Encoder
from aloe.embedding.ports.recorder import Lookup, Recorder

# What an entry takes besides its vector: the key, Python objects, a slot of the table.
_ENTRY_OVERHEAD_BYTES = 400


@dataclass(slots=True, eq=False)
class _Flight:
    """A clip that runs, and the futures of all callers that wait for it."""

    run: asyncio.Future[Embedded]
    deadline: float
    waiters: list[asyncio.Future[Embedded]] = field(default_factory=list)


class DedupingBatcher:
    """A batcher with a memory. For one event loop.

    A clip is known by a hash of the encoder's fingerprint and its samples.
    """

    def __init__(
        self,
        batcher: Batcher,
        *,
        max_byte_count: int,
        recorder: Recorder,
        shared: SharedRuns | None = None,
    ) -> None:
        """Keep embeddings up to `max_byte_count`; the least recently used ones leave first.

        `shared` looks up what is not known here in the cache that servers share.
        """
        self._batcher = batcher
        self._shared = shared
        self._recorder = recorder
        self._max_byte_count = max_byte_count
        self._byte_count = 0
        self._known: OrderedDict[bytes, Float32Array] = OrderedDict()
        self._flights: dict[bytes, _Flight] = {}

    def submit(
        self, encoder: Encoder, clips: Sequence[Float32Array], deadline: float
    ) -> list[asyncio.Future[Embedded]]:
        """Do as Batcher.submit does, but queue only clips that are neither known nor running."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Embedded]] = []
        new: dict[bytes, tuple[Float32Array, list[asyncio.Future[Embedded]]]] = {}
        for samples in clips:
            key = _key(encoder, samples)
            future: asyncio.Future[Embedded] = loop.create_future()
            futures.append(future)
            if key in new:
                self._recorder.looked_up(encoder.info.encoder_id, Lookup.JOINED)
                new[key][1].append(future)
            elif (lookup := self._answer(key, future, deadline)) is not None:
                self._recorder.looked_up(encoder.info.encoder_id, lookup)
            else:
                new[key] = (samples, [future])
        runs = self._run(encoder, {key: samples for key, (samples, _) in new.items()}, deadline)
        for run, (key, (_, waiters)) in zip(runs, new.items(), strict=True):
            flight = _Flight(run, deadline)
            self._flights[key] = flight
            for future in waiters:
                self._join(flight, future)
            run.add_done_callback(partial(self._land, key, flight))
        return futures

    def _run(
        self, encoder: Encoder, clips: Mapping[bytes, Float32Array], deadline: float
    ) -> list[asyncio.Future[Embedded]]:
        if self._shared:
            return self._shared.submit(encoder, clips, deadline)
        for _ in clips:
            self._recorder.looked_up(encoder.info.encoder_id, Lookup.MISS)
        return self._batcher.submit(encoder, list(clips.values()), deadline)

    def _answer(
        self, key: bytes, future: asyncio.Future[Embedded], deadline: float
    ) -> Lookup | None:
        """Answer from memory, or join a run that is under way; None if there is neither."""
        embedding = self._known.get(key)
        if embedding is not None:
            self._known.move_to_end(key)
            future.set_result(Embedded(embedding, 0.0, 0.0))
            return Lookup.MEMORY
        flight = self._flights.get(key)
        # A run with an earlier deadline may be dropped while this caller still wants it.
        if flight is None or flight.deadline < deadline or flight.run.done():
            return None
        self._join(flight, future)
        return Lookup.JOINED

    @staticmethod
    def _join(flight: _Flight, future: asyncio.Future[Embedded]) -> None:
        flight.waiters.append(future)
        future.add_done_callback(partial(_leave, flight))

    def _land(self, key: bytes, flight: _Flight, run: asyncio.Future[Embedded]) -> None:
        """Pass a run's result on to the callers that still wait, and remember it."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        if run.cancelled():
            return
        error = run.exception()
        if error is None:
            self._remember(key, run.result().embedding)
        for future in flight.waiters:
            if future.done():
                continue
            if error is None:
                future.set_result(run.result())
            else:
                future.set_exception(error)

    def _remember(self, key: bytes, embedding: Float32Array) -> None:
        size = embedding.nbytes + _ENTRY_OVERHEAD_BYTES
        if key in self._known or size > self._max_byte_count:
            return
        # A copy: the row is a view that would keep its whole batch alive.
        self._known[key] = embedding.copy()
        self._byte_count += size
        while self._byte_count > self._max_byte_count:
            _, dropped = self._known.popitem(last=False)
            self._byte_count -= dropped.nbytes + _ENTRY_OVERHEAD_BYTES


def _leave(flight: _Flight, _: asyncio.Future[Embedded]) -> None:
    """Cancel the run once every caller that waited for it has given up."""
    if all(future.cancelled() for future in flight.waiters):
        flight.run.cancel()


def _key(encoder: Encoder, samples: Float32Array) -> bytes:
    digest = hashlib.sha256(encoder.info.fingerprint.encode())
    digest.update(samples.data.cast("B"))
    return digest.digest()
