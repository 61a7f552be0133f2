"""Decodes clips on threads, and on the event loop itself those that take microseconds."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from aloe.audio.cost import Cost
from aloe.audio.isolation import NotWanted
from aloe.embedding.audio.clip import Audio, DecodedClip
from aloe.embedding.audio.decoder import AudioDecoder
from aloe.embedding.domain.errors import DeadlineExpired, InvalidAudio

# Clips per job of a thread, and their samples: a tenth of a second or so.
_PART_CLIP_COUNT = 8
_PART_SAMPLE_COUNT = 1 << 22
# Jobs of one call that wait or run: the threads have always one to go on with, and those of other
# calls come in between.
_PARTS_AT_ONCE = 4
# The most that one call decodes on the event loop: about a millisecond of its time.
_QUICK_BYTES = 1 << 20

Part = slice
"""Some clips of a call, by their places."""
Clips = Sequence[DecodedClip | InvalidAudio]
OnPart = Callable[[Part, Clips, float], None]
"""Told which clips, what became of them, and how many seconds a thread took for them."""


class DecodePool:
    """One encoder's decoder on threads that all encoders share. For one event loop."""

    def __init__(self, decoder: AudioDecoder, threads: ThreadPoolExecutor) -> None:
        self._decoder = decoder
        self._threads = threads

    def costs(self, audios: Sequence[Audio]) -> list[Cost]:
        """Return what each clip costs, by its header."""
        return [self._decoder.cost(audio) for audio in audios]

    async def decode(
        self,
        audios: Sequence[Audio],
        costs: Sequence[Cost],
        *,
        deadline: float = math.inf,
        on_part: OnPart = lambda _part, _clips, _elapsed_s: None,
    ) -> Clips:
        """Decode every clip, or say what is wrong with it, in the order of the clips.

        Where this is cancelled or fails, clips that were not begun never are, and long ones that
        were are broken off.

        Args:
            audios: the clips.
            costs: of each.
            deadline: on the monotonic clock.
            on_part: told what became of some clips, part by part; what it raises ends the rest.

        Raises:
            DeadlineExpired: `deadline` passed first.
            DecoderNotStarted: there is no process to decode them.
        """
        byte_count = sum(audio.byte_count for audio in audios)
        if byte_count <= _QUICK_BYTES and all(map(self._decoder.is_quick, audios)):
            clips, elapsed_s = self._decode_part(audios, _Waiter(math.inf))
            on_part(slice(0, len(clips)), clips, elapsed_s)
            return clips
        found: list[DecodedClip | InvalidAudio | None] = [None] * len(audios)
        parts = list(_parts(costs))
        left = iter(parts)
        waiter = _Waiter(deadline)

        async def work() -> None:
            loop = asyncio.get_running_loop()
            for part in left:
                clips, elapsed_s = await loop.run_in_executor(
                    self._threads, self._decode_part, audios[part], waiter
                )
                on_part(part, clips, elapsed_s)
                found[part] = clips

        workers = [asyncio.ensure_future(work()) for _ in parts[:_PARTS_AT_ONCE]]
        try:
            await asyncio.gather(*workers)
        except NotWanted:
            raise DeadlineExpired("its deadline passed while its clips were decoded") from None
        finally:
            waiter.has_gone = True
            for worker in workers:
                worker.cancel()
        return [clip for clip in found if clip is not None]

    def _decode_part(self, audios: Sequence[Audio], waiter: "_Waiter") -> tuple[Clips, float]:
        began = time.perf_counter()
        clips = [self._decode_one(audio, waiter.waits) for audio in audios]
        return clips, time.perf_counter() - began

    def _decode_one(
        self, audio: Audio, is_wanted: Callable[[], bool]
    ) -> DecodedClip | InvalidAudio:
        if not is_wanted():
            raise NotWanted
        try:
            return self._decoder.decode(audio, is_wanted)
        except InvalidAudio as error:
            return error


class _Waiter:
    """Whoever waits for the clips of a call."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.has_gone = False

    def waits(self) -> bool:
        return not self.has_gone and time.monotonic() < self._deadline


def _parts(costs: Sequence[Cost]) -> Iterator[Part]:
    """Yield parts of few clips and few samples, in order."""
    start, sample_count = 0, 0
    for index, cost in enumerate(costs):
        sample_count += cost.sample_count
        if index + 1 - start == _PART_CLIP_COUNT or sample_count >= _PART_SAMPLE_COUNT:
            yield slice(start, index + 1)
            start, sample_count = index + 1, 0
    if start < len(costs):
        yield slice(start, len(costs))
