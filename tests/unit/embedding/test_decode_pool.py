import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.audio_files import made, speechlike

from aloe.audio.cost import Cost
from aloe.audio.isolation import IsolatedDecoder, NotWanted
from aloe.embedding.audio.clip import Audio, DecodedClip, EncodedAudio
from aloe.embedding.audio.decode_pool import DecodePool
from aloe.embedding.audio.decoder import AudioDecoder
from aloe.embedding.domain.errors import DeadlineExpired, InvalidAudio

WAIT_S = 10.0


class GatedDecoder:
    """Decodes a clip once the test lets it through; a clip is known by its bytes."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.begun: list[bytes] = []
        self.begins = threading.Semaphore(0)

    def is_quick(self, audio: Audio) -> bool:
        del audio
        return False

    def decode(self, audio: EncodedAudio, is_wanted: Callable[[], bool]) -> DecodedClip:
        self.begun.append(audio.content)
        self.begins.release()
        while not self.gate.acquire(timeout=0.005):
            if not is_wanted():
                raise NotWanted
        if audio.content == b"bad":
            raise InvalidAudio("encoded", "is bad")
        return DecodedClip(np.ones(1, np.float32), 1.0)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
async def gated(threads: ThreadPoolExecutor) -> AsyncIterator[tuple[GatedDecoder, DecodePool]]:
    decoder = GatedDecoder()
    yield decoder, DecodePool(decoder, threads)  # type: ignore[arg-type]
    decoder.gate.release(10_000)


def clips(count: int, content: bytes = b"clip") -> list[EncodedAudio]:
    return [EncodedAudio(content)] * count


def costs(count: int, sample_count: int = 1 << 20) -> list[Cost]:
    return [Cost(sample_count, 0, 4)] * count


async def two_begin(decoder: GatedDecoder) -> None:
    for _ in range(2):
        assert await asyncio.to_thread(decoder.begins.acquire, timeout=WAIT_S)


async def test_of_a_call_that_is_cancelled_no_clip_is_begun_any_more(
    gated: tuple[GatedDecoder, DecodePool],
) -> None:
    decoder, pool = gated
    call = asyncio.create_task(pool.decode(clips(400), costs(400)))
    await two_begin(decoder)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    decoder.gate.release(10_000)
    await pool.decode(clips(1, b"next"), costs(1))
    assert decoder.begun.count(b"clip") == 2


async def test_a_deadline_that_passes_ends_the_decoding(
    gated: tuple[GatedDecoder, DecodePool],
) -> None:
    decoder, pool = gated
    with pytest.raises(DeadlineExpired, match="while its clips were decoded"):
        await pool.decode(clips(400), costs(400), deadline=time.monotonic() + 0.05)
    assert len(decoder.begun) <= 2


async def test_clips_of_another_call_come_in_between(
    gated: tuple[GatedDecoder, DecodePool],
) -> None:
    decoder, pool = gated
    large = asyncio.create_task(pool.decode(clips(400), costs(400)))
    await two_begin(decoder)
    small = asyncio.create_task(pool.decode(clips(2, b"small"), costs(2)))
    await asyncio.sleep(0)
    decoder.gate.release(10_000)
    await asyncio.gather(large, small)
    # In turn, the two would begin when all 400 have.
    assert decoder.begun.index(b"small") < 200


async def test_parts_are_told_as_they_are_done_and_what_is_raised_ends_the_rest(
    gated: tuple[GatedDecoder, DecodePool],
) -> None:
    decoder, pool = gated
    decoder.gate.release(10_000)
    told: list[int] = []

    def on_part(part: slice, found: object, elapsed_s: float) -> None:
        del found
        assert elapsed_s >= 0
        told.extend(range(part.start, part.stop))
        if len(told) > 20:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await pool.decode(clips(400), costs(400), on_part=on_part)
    begun = len(decoder.begun)
    assert begun < 100
    assert len(set(told)) == len(told) < 60
    result = await pool.decode([*clips(9), *clips(1, b"bad")], costs(10))
    assert [isinstance(each, DecodedClip) for each in result] == [True] * 9 + [False]


async def test_a_long_clip_is_broken_off_when_its_caller_goes(threads: ThreadPoolExecutor) -> None:
    heavy = EncodedAudio(made("flac", np.zeros((192_000 * 40, 8), np.int16), 192_000))
    with IsolatedDecoder(2) as files:
        files.start()
        pool = DecodePool(AudioDecoder(16_000, 60.0, files), threads)
        audios = [heavy] * 64
        call = asyncio.create_task(pool.decode(audios, pool.costs(audios)))
        await asyncio.sleep(0.3)
        call.cancel()
        began = time.monotonic()
        small = [EncodedAudio(made("flac", speechlike()))]
        (clip,) = await pool.decode(small, pool.costs(small))
        assert isinstance(clip, DecodedClip)
        # Before, 64 of a second or so each had to end first.
        assert time.monotonic() - began < 8
