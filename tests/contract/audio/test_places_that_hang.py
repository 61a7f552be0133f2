"""A place of audio that hangs holds up those who read from it, not for ever, and nobody else."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from aloe.learner.adapters.audio.files import AudioFiles
from aloe.learner.bulkheads import FOREIGN_AUDIO, Bulkhead
from aloe.learner.domain.errors import AudioNotFound, Overloaded
from aloe.learner.domain.pool import Clip, EncodedAudio, content_hash

RECORDING = EncodedAudio(b"not looked into here")
HURRIED = Bulkhead("test-foreign", 2, waiting_count=8, time_limit_s=0.2)


async def identity() -> str:
    return "i"


@pytest.fixture
def hung_place() -> Iterator[str]:
    """The URL of an FTP server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"ftp://127.0.0.1:{server.getsockname()[1]}/"


def files(root: Path, place: str, foreign: Bulkhead = FOREIGN_AUDIO) -> AudioFiles:
    return AudioFiles(str(root), identity, [place], foreign=foreign)


async def test_recordings_are_kept_and_heard_while_a_place_of_others_hangs(
    tmp_path: Path, hung_place: str
):
    audio = files(tmp_path, hung_place)
    reads = [asyncio.create_task(audio.read_uri(f"{hung_place}{n}.wav")) for n in range(14)]
    await asyncio.sleep(0)
    key = content_hash(RECORDING)
    async with asyncio.timeout(10):
        await audio.keep(RECORDING, key)
        assert (await audio.read(Clip("a", key, ""))).content == RECORDING.content
        assert await audio.keys() == {key}
    assert not any(each.done() for each in reads)
    for each in reads:
        each.cancel()


async def test_a_read_that_hangs_ends_and_many_are_refused_at_once(tmp_path: Path, hung_place: str):
    audio = files(tmp_path, hung_place, HURRIED)
    clip = Clip("a", content_hash(RECORDING), f"{hung_place}a.wav")
    with pytest.raises(AudioNotFound, match=r"takes over 0\.2 s; see whether"):
        await audio.read_uri(clip.uri)
    with pytest.raises(AudioNotFound, match=r"takes over 0\.2 s; see whether"):
        await audio.read_recording(clip)
    with pytest.raises(Overloaded, match="all 2 threads for test-foreign hang"):
        await audio.read_uri(clip.uri)
