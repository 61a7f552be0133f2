"""Looks clips up in the cache that servers share, and runs those that it does not know."""

import asyncio
from collections.abc import Mapping
from functools import partial

from aloe.embedding.batching.batch_queue import Embedded
from aloe.embedding.batching.batcher import Batcher
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.ports.encoder import Encoder
from aloe.embedding.ports.recorder import Lookup, Recorder
from aloe.embedding.ports.shared_cache import SharedCache


class SharedRuns:
    """Runs the clips that the shared cache does not know, and puts them in. For one event loop."""

    def __init__(self, batcher: Batcher, cache: SharedCache, recorder: Recorder) -> None:
        self._batcher = batcher
        self._cache = cache
        self._recorder = recorder
        # Kept here, as the event loop keeps weak references only.
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(
        self, encoder: Encoder, clips: Mapping[bytes, Float32Array], deadline: float
    ) -> list[asyncio.Future[Embedded]]:
        """Queue clips by their keys as Batcher.submit does; one future per clip."""
        loop = asyncio.get_running_loop()
        runs = {key: loop.create_future() for key in clips}
        if clips:
            task = loop.create_task(self._run(encoder, clips, runs, deadline))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return list(runs.values())

    async def _run(
        self,
        encoder: Encoder,
        clips: Mapping[bytes, Float32Array],
        runs: Mapping[bytes, asyncio.Future[Embedded]],
        deadline: float,
    ) -> None:
        found = await self._cache.get(encoder.info, list(clips))
        unknown = []
        for (key, run), embedding in zip(runs.items(), found, strict=True):
            self._recorder.looked_up(
                encoder.info.encoder_id, Lookup.MISS if embedding is None else Lookup.SHARED
            )
            if run.done():  # its caller has given up meanwhile
                continue
            if embedding is None:
                unknown.append(key)
            else:
                run.set_result(Embedded(embedding, 0.0, 0.0))
        samples = [clips[key] for key in unknown]
        for key, inner in zip(
            unknown, self._batcher.submit(encoder, samples, deadline), strict=True
        ):
            runs[key].add_done_callback(partial(_give_up, inner))
            inner.add_done_callback(partial(self._land, encoder, key, runs[key]))

    def _land(
        self,
        encoder: Encoder,
        key: bytes,
        run: asyncio.Future[Embedded],
        inner: asyncio.Future[Embedded],
    ) -> None:
        if inner.cancelled():
            run.cancel()
            return
        error = inner.exception()
        if error is None:
            self._cache.put(encoder.info, key, inner.result().embedding)
        if run.done():
            return
        if error is None:
            run.set_result(inner.result())
        else:
            run.set_exception(error)


def _give_up(inner: asyncio.Future[Embedded], run: asyncio.Future[Embedded]) -> None:
    if run.cancelled():
        inner.cancel()
