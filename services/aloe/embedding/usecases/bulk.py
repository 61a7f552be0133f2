"""Streams of clips: a bounded window in flight, results as they come."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aloe.admission.budget import Budget
from aloe.audio.cost import Cost
from aloe.embedding.audio.clip import Audio
from aloe.embedding.usecases.embedder import EmbeddedClip, Embedder, Outcome
from aloe.embedding.usecases.intake import Intake

# Enough for one batch that runs, one that waits and one that is being decoded.
WINDOW_CLIP_COUNT = 128
# Clips of a message that are decoded and queued together, at most.
_PART_CLIP_COUNT = 32


@dataclass(frozen=True, slots=True)
class NumberedAudio:
    """A clip of a stream, under its caller's number."""

    sequence_number: int
    audio: Audio


@dataclass(frozen=True, slots=True)
class NumberedResult:
    """What became of a clip of a stream, under its caller's number."""

    sequence_number: int
    result: EmbeddedClip | Exception


class BulkStream:
    """One stream of clips.

    It reads on only while fewer than `window_clip_count` clips are on their way, those included
    whose results the caller has not taken yet, and while half of the service's room is free.
    """

    def __init__(
        self,
        embedder: Embedder,
        budget: Budget,
        intake: Intake,
        *,
        deadline: float = math.inf,
        window_clip_count: int = WINDOW_CLIP_COUNT,
    ) -> None:
        self._embedder = embedder
        self._budget = budget
        self._intake = intake
        self._deadline = deadline
        self._window_clip_count = window_clip_count
        self._in_flight_count = 0
        self._part_count = 0
        self._ready: list[NumberedResult] = []
        self._progress = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def is_working(self) -> bool:
        """Whether there are clips that wait for nothing that their caller does."""
        return self._part_count > 0

    async def run(
        self, messages: AsyncIterator[Sequence[NumberedAudio]]
    ) -> AsyncIterator[list[NumberedResult]]:
        """Embed what `messages` brings; yields results that became ready together, in any order.

        Raises:
            ShuttingDown: the server ends; every clip that was taken in has its result.
            Overloaded: there is no room for a message that came, not even to wait.
        """
        reader = asyncio.create_task(self._read(messages))
        reader.add_done_callback(lambda _: self._progress.set())
        try:
            while not reader.done() or self._ready:
                await self._progress.wait()
                self._progress.clear()
                if self._ready:
                    results, self._ready = self._ready, []
                    yield results
                    self._in_flight_count -= len(results)
                    self._room.set()
            await reader
        finally:
            reader.cancel()

    async def _read(self, messages: AsyncIterator[Sequence[NumberedAudio]]) -> None:
        end: Exception | None = None
        async with asyncio.TaskGroup() as parts:
            try:
                async for message in messages:
                    await self._take(message, parts)
            # The server ends, or a message cannot be read: clips that were taken in still get their
            # answer.
            except Exception as error:  # noqa: BLE001
                end = error
        if end:
            raise end

    async def _take(self, message: Sequence[NumberedAudio], parts: asyncio.TaskGroup) -> None:
        """Let the clips of a message run, part by part as there is room."""
        clips = []
        for clip, cost in zip(
            message, self._embedder.costs([clip.audio for clip in message]), strict=True
        ):
            if fault := self._intake.fault(cost):
                self._in_flight_count += 1
                self._tell(NumberedResult(clip.sequence_number, fault))
            else:
                clips.append((clip, cost))
        with self._intake.message([clip.audio for clip, _ in clips]):
            while clips:
                count = self._intake.bulk_count([cost for _, cost in clips[:_PART_CLIP_COUNT]])
                part, clips = clips[:count], clips[count:]
                await self._start([clip for clip, _ in part], [cost for _, cost in part], parts)

    async def _start(
        self, part: Sequence[NumberedAudio], costs: Sequence[Cost], parts: asyncio.TaskGroup
    ) -> None:
        """Wait for room, then let some clips run."""
        while self._in_flight_count >= self._window_clip_count:
            self._room.clear()
            await self._room.wait()
        audios = [clip.audio for clip in part]
        self._part_count += 1
        try:
            hold = await self._budget.enter_bulk(
                clips=len(part), **self._intake.amounts(audios, costs)
            )
        except BaseException:
            self._part_count -= 1
            raise
        self._in_flight_count += len(part)

        def tell(outcome: Outcome) -> None:
            self._tell(NumberedResult(part[outcome.index].sequence_number, outcome.result))

        def end(_: object) -> None:
            self._part_count -= 1
            self._budget.release(hold)

        task = parts.create_task(
            self._embedder.embed_each(audios, costs, hold, tell, deadline=self._deadline)
        )
        # A `finally` inside the task would not do: a task cancelled before it starts never runs.
        task.add_done_callback(end)

    def _tell(self, result: NumberedResult) -> None:
        self._ready.append(result)
        self._progress.set()
