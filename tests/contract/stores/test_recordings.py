"""Recordings of a pool, and the windows of them that are clips."""

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from aloe.learner.domain.errors import AlreadyExists, PoolNotFound, RecordingNotFound
from aloe.learner.domain.pool import Clip
from aloe.learner.domain.windows import Recording, Window
from aloe.learner.ports.store import Store
from aloe.values.audio import AudioProblem, AudioReport, AudioWarning, ChannelRule, Decoding

from .conftest import DIM, Scene, new_pool

MADE = datetime(2026, 5, 4, 13, tzinfo=UTC)
NIGHT = Recording(
    "night",
    "0" * 32,
    MADE,
    byte_count=5_000_000_000,
    uri="file:///night.flac",
    decoding=Decoding(ChannelRule.NUMBERED, 2, accept_damaged=True),
    report=AudioReport(48_000, 2, 2, (AudioWarning(AudioProblem.CUT_OFF, "at 7 h"),)),
    duration_s=None,
    decoded_s=25_200.25,
    problem="breaks off",
    attributes={"site": "north", "gain": 3.5, "made": MADE},
)
DAY = Recording("day", "1" * 32, MADE, duration_s=86_400.0)


async def test_recordings_are_given_back_as_they_were_put(scene: Scene):
    store, pool = scene.store, scene.pool
    await store.put_recording(pool, NIGHT)
    await store.put_recording(pool, DAY)
    assert await store.list_recording_ids(pool) == ["day", "night"]
    assert await store.read_recordings(pool, ["night", "none", "day"]) == [NIGHT, None, DAY]
    whole = dataclasses.replace(NIGHT, duration_s=30_000.0, problem="", attributes={})
    await store.put_recording(pool, whole)
    assert await store.read_recordings(pool, ["night"]) == [whole]


async def test_an_id_is_of_one_content(scene: Scene):
    store, pool = scene.store, scene.pool
    await store.put_recording(pool, NIGHT)
    with pytest.raises(AlreadyExists, match=r"recordings/night exists with other content"):
        await store.put_recording(pool, dataclasses.replace(NIGHT, content_hash="2" * 32))
    assert await store.read_recordings(pool, ["night"]) == [NIGHT]


async def test_deleting_a_recording_again_changes_nothing(scene: Scene):
    store, pool = scene.store, scene.pool
    await store.put_recording(pool, NIGHT)
    assert await store.remove_recordings(pool, ["night", "none"]) == 1
    assert await store.remove_recordings(pool, ["night"]) == 0
    assert await store.list_recording_ids(pool) == []
    await store.put_recording(pool, dataclasses.replace(NIGHT, content_hash="2" * 32))


async def test_recordings_go_with_their_pool(store: Store):
    pool = await store.create_pool(new_pool())
    await store.put_recording(pool, NIGHT)
    await store.delete_pool(pool.pool_id)
    for call in (
        store.put_recording(pool, DAY),
        store.list_recording_ids(pool),
        store.read_recordings(pool, ["night"]),
        store.remove_recordings(pool, ["night"]),
    ):
        with pytest.raises(PoolNotFound):
            await call
    again = await store.create_pool(new_pool(pool.pool_id))
    assert await store.list_recording_ids(again) == []


async def test_clips_say_which_window_they_are_whatever_becomes_of_them(scene: Scene):
    store, pool = scene.store, scene.pool
    clips = [
        Clip("night~0-500", "a", window=Window("night", 0.0, 0.5), duration_s=0.5),
        Clip("night~0.5-1", "b", window=Window("night", 0.000_5, 0.001), attributes={"site": "x"}),
        Clip("plain", "c"),
    ]
    await store.put_recording(pool, NIGHT)
    await store.append_clips(pool, clips, np.zeros((3, DIM), np.float32))
    pool = await store.read_pool(pool.pool_id)
    assert list(await store.read_clips(pool, 6, 3)) == clips
    await store.rename_clip(pool, "night~0-500", "call")
    pool = await store.read_pool(pool.pool_id)
    (changed,) = await store.read_changes(pool, 0, 1)
    assert changed.clip == dataclasses.replace(clips[0], clip_id="call")


async def test_windows_are_of_recordings_that_are_there(scene: Scene):
    store, pool = scene.store, scene.pool
    await store.put_recording(pool, NIGHT)
    clips = [
        Clip(f"night~{n}-{n + 1}", f"{n:032}", window=Window("night", n / 1_000, (n + 1) / 1_000))
        for n in range(3)
    ]
    one = np.zeros((1, DIM), np.float32)
    pool = (await store.append_clips(pool, clips[:1], one)).pool
    await store.remove_recordings(pool, ["night"])
    count = (await store.read_pool(pool.pool_id)).clip_count
    # By an append that looks at what is there, and by one that need not.
    for clip in clips[1:]:
        with pytest.raises(RecordingNotFound, match=r"recordings/night was deleted meanwhile"):
            await store.append_clips(pool, [clip], one)
    with pytest.raises(RecordingNotFound, match=r"recordings/night was deleted meanwhile"):
        await store.put_recording(pool, NIGHT, is_known=True)
    assert (await store.read_pool(pool.pool_id)).clip_count == count
    assert await store.list_recording_ids(pool) == []
    await store.put_recording(pool, NIGHT)
    await store.append_clips(pool, clips[1:], np.zeros((2, DIM), np.float32))
    await store.put_recording(pool, NIGHT, is_known=True)
