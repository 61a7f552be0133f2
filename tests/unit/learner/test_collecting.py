"""Kept recordings that no pool needs: which are deleted, and which never."""

import asyncio
import os
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from aloe.learner.adapters.audio.files import AudioFiles
from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.domain.errors import PoolNotFound
from aloe.learner.domain.pool import (
    Clip,
    EncodedAudio,
    EncoderInfo,
    Pool,
    content_hash,
)
from aloe.learner.domain.windows import Recording
from aloe.learner.usecases.collecting import DEFAULT_GRACE_S, AudioCollector


class Scene:
    """A store with its kept audio below a folder that others may use as well."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, MemoryStore()
        self.audio = AudioFiles(str(root), self.store.identity)
        self.collector = AudioCollector(self.store, self.audio, DEFAULT_GRACE_S)

    async def new_pool(self, *, keep_audio: bool = True) -> Pool:
        encoder = EncoderInfo("e", "f", 2)
        pool = Pool(uuid.uuid4().hex, encoder, keep_audio, uuid.uuid4().hex, datetime.now(UTC))
        return await self.store.create_pool(pool)

    async def keep(self, *contents: bytes) -> None:
        for content in contents:
            await self.audio.keep(EncodedAudio(content), hash_of(content))

    async def append(self, pool: Pool, *contents: bytes) -> None:
        clips = [Clip(f"c{content!r}"[3:-1], hash_of(content)) for content in contents]
        await self.store.append_clips(pool, clips, np.zeros((len(clips), 2), np.float32))

    def age(self) -> None:
        """Let two days pass for all that is kept."""
        then = time.time() - 2 * DEFAULT_GRACE_S
        for path in self.root.rglob("*"):
            os.utime(path, (then, then))

    async def kept(self) -> set[str]:
        return await self.audio.keys()


def hash_of(content: bytes) -> str:
    return content_hash(EncodedAudio(content))


def hashes(*contents: bytes) -> set[str]:
    return set(map(hash_of, contents))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_what_no_pool_needs_goes_once_it_is_old(scene: Scene):
    first, second = await scene.new_pool(), await scene.new_pool()
    silent = await scene.new_pool(keep_audio=False)
    await scene.keep(b"both", b"second", b"orphan", b"silent")
    await scene.append(first, b"both")
    await scene.append(second, b"both", b"second")
    await scene.append(silent, b"silent")
    assert await scene.collector.collect() == 0
    scene.age()
    assert await scene.collector.collect() == 2
    assert await scene.kept() == hashes(b"both", b"second")
    await scene.store.delete_pool(second.pool_id)
    assert await scene.collector.collect() == 1
    assert await scene.kept() == hashes(b"both")


async def test_recordings_are_needed_until_they_are_deleted(scene: Scene):
    pool, silent = await scene.new_pool(), await scene.new_pool(keep_audio=False)
    await scene.keep(b"night", b"silent")
    for place, content in ((pool, b"night"), (silent, b"silent")):
        await scene.store.put_recording(
            place, Recording("night", hash_of(content), datetime.now(UTC))
        )
    scene.age()
    assert await scene.collector.collect() == 1
    assert await scene.kept() == hashes(b"night")
    await scene.store.remove_recordings(pool, ["night"])
    assert await scene.collector.collect() == 1


async def test_what_an_import_keeps_again_stays_until_its_clip_is_stored(scene: Scene):
    pool = await scene.new_pool()
    await scene.keep(b"again")
    scene.age()
    await scene.keep(b"again")
    assert await scene.collector.collect() == 0
    await scene.append(pool, b"again")
    scene.age()
    assert await scene.collector.collect() == 0
    assert await scene.kept() == hashes(b"again")


async def test_imports_and_collectors_at_once_lose_nothing(scene: Scene):
    pool = await scene.new_pool()
    contents = [f"recording {number}".encode() for number in range(40)]
    await scene.keep(*contents)
    scene.age()
    others = [AudioCollector(scene.store, scene.audio, DEFAULT_GRACE_S) for _ in range(2)]
    imported: list[bytes] = []

    async def import_all() -> None:
        for content in contents:
            await scene.keep(content)
            await asyncio.sleep(0)
            await scene.append(pool, content)
            imported.append(content)

    async def collect_always() -> None:
        while len(imported) < len(contents):
            await asyncio.gather(*[each.collect() for each in others])

    await asyncio.gather(import_all(), collect_always())
    assert await scene.kept() == hashes(*contents)


async def test_what_another_store_keeps_in_the_same_folder_is_left_alone(scene: Scene):
    other = Scene(scene.root)
    await other.keep(b"theirs")
    await scene.keep(b"ours")
    scene.age()
    assert await scene.collector.collect() == 1
    assert await other.kept() == hashes(b"theirs")


async def test_an_emptied_store_takes_nothing_of_its_past_for_unneeded(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    pool = await scene.new_pool()
    await scene.keep(b"precious")
    await scene.append(pool, b"precious")
    scene.age()
    before = await scene.store.identity()
    read_pool = scene.store.read_pool

    async def read_then_lose(pool_id: str) -> Pool:
        await read_pool(pool_id)
        monkeypatch.setattr(scene.store, "_identity", "another")
        raise PoolNotFound

    monkeypatch.setattr(scene.store, "read_pool", read_then_lose)
    assert await scene.collector.collect() == 0
    monkeypatch.setattr(scene.store, "_identity", before)
    assert await scene.kept() == hashes(b"precious")


async def test_it_collects_in_the_background_and_when_woken(scene: Scene):
    pool = await scene.new_pool()
    await scene.keep(b"needed", b"orphan")
    await scene.append(pool, b"needed")
    scene.age()
    scene.collector.start()
    await _until_kept(scene, hashes(b"needed"))
    await scene.store.delete_pool(pool.pool_id)
    scene.collector.wake()
    await _until_kept(scene, set())
    await scene.collector.stop()


async def test_a_failure_is_logged_and_the_next_time_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    await scene.keep(b"orphan")
    scene.age()
    discard = scene.audio.discard

    async def fail_once(keys: set[str], older_than_s: float) -> int:
        monkeypatch.setattr(scene.audio, "discard", discard)
        del keys, older_than_s
        raise OSError("the disk is away")

    monkeypatch.setattr(scene.audio, "discard", fail_once)
    scene.collector.start()
    while "the disk is away" not in caplog.text:  # noqa: ASYNC110 - nothing tells of a log
        await asyncio.sleep(0.01)
    scene.collector.wake()
    await _until_kept(scene, set())
    await scene.collector.stop()


async def _until_kept(scene: Scene, keys: set[str]) -> None:
    async with asyncio.timeout(10):
        while await scene.kept() != keys:  # noqa: ASYNC110 - nothing tells of a deletion
            await asyncio.sleep(0.01)
