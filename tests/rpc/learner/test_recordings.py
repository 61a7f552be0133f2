"""Recordings cut into windows that are clips, and what becomes of them."""

import io
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from google.protobuf.duration_pb2 import Duration
from numpy.typing import NDArray
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import new_id

from aloe.client import (
    AlreadyExists,
    Decoding,
    DeletedRecordings,
    GridCut,
    InvalidArgument,
    KnownLabel,
    LastWindow,
    LearnerClient,
    NewClip,
    NotFound,
    Pool,
    RecordingProgress,
    SegmentCut,
    SoundCut,
    Split,
    connect_async,
)
from aloe.client.operations.recordings import RecordingImport
from aloe.local import LocalStack
from aloe.v1 import recording_import_pb2 as pb

RATE_HZ = 16_000
Samples = NDArray[np.float32]


def night(seed: int = 0) -> Samples:
    """Ten seconds of noise with a tone of one second from 4 s on."""
    noise = 0.01 * np.random.default_rng(seed).standard_normal(10 * RATE_HZ)
    samples = noise.astype(np.float32)
    samples[4 * RATE_HZ : 5 * RATE_HZ] += tone(2_000, duration_s=1)
    return samples


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "night.flac"
    path.write_bytes(encoded(night(random.randrange(1 << 30)), "audio/flac"))
    return path


@pytest.fixture
def pool(client: LearnerClient) -> Pool:
    return client.create_pool(new_id())


def seconds(*values: float) -> Iterator[timedelta]:
    return (timedelta(seconds=value) for value in values)


def test_windows_are_clips_with_their_recording(client: LearnerClient, pool: Pool, file: Path):
    told: list[RecordingProgress] = []
    found = client.import_recording(
        pool.pool_id,
        "night",
        file,
        GridCut(2.0, 1.0),
        attributes={"site": "north"},
        on_progress=told.append,
    )
    assert (found.imported_count, found.existing_count, found.failures) == (9, 0, ())
    assert told
    recording = client.get_recording(pool.pool_id, "night")
    assert recording == found.recording
    assert recording.duration == recording.decoded == timedelta(seconds=10)
    assert (recording.window_count, recording.problem) == (9, "")
    assert recording.uri == file.as_uri()
    assert recording.report.sample_rate_hz == RATE_HZ
    assert list(client.list_recordings(pool.pool_id)) == [recording]
    clips = list(client.list_clips(pool.pool_id))
    assert [each.clip_id for each in clips] == [
        f"night~{1_000 * first}-{1_000 * (first + 2)}" for first in range(9)
    ]
    assert {each.recording_id for each in clips} == {"night"}
    assert [(each.start, each.end) for each in clips][3] == tuple(seconds(3, 5))
    assert clips[0].attributes == {"site": "north"}


def test_a_window_is_embedded_as_the_same_sound_alone(
    client: LearnerClient, pool: Pool, file: Path
):
    client.import_recording(pool.pool_id, "night", file, GridCut(2.0))
    whole, _ = soundfile.read(file, dtype="float32")
    content = io.BytesIO()
    soundfile.write(content, whole[4 * RATE_HZ : 6 * RATE_HZ], RATE_HZ, format="WAV")
    client.import_clips(pool.pool_id, [NewClip("alone", audio=content.getvalue())])
    vectors = {each.clip.clip_id: each.embedding for each in client.export_clips(pool.pool_id)}
    np.testing.assert_allclose(vectors["night~4000-6000"], vectors["alone"], atol=1e-4)


def test_an_import_that_is_repeated_changes_nothing_and_one_that_lacks_windows_fills_them(
    client: LearnerClient, pool: Pool, file: Path
):
    cut = GridCut(1.0)
    client.import_recording(pool.pool_id, "night", file, cut)
    again = client.import_recording(pool.pool_id, "night", file, cut)
    assert (again.imported_count, again.existing_count) == (0, 10)
    client.delete_clips(pool.pool_id, ["night~3000-4000", "night~9000-10000"])
    more = client.import_recording(pool.pool_id, "night", file, cut)
    assert (more.imported_count, more.existing_count) == (2, 8)
    assert client.get_recording(pool.pool_id, "night").window_count == 10


def test_a_window_that_was_renamed_is_not_there_twice(
    client: LearnerClient, pool: Pool, file: Path
):
    client.import_recording(pool.pool_id, "night", file, GridCut(2.0))
    client.rename_clip(pool.pool_id, "night~4000-6000", "call")
    again = client.import_recording(pool.pool_id, "night", file, GridCut(2.0))
    assert (again.imported_count, again.existing_count) == (0, 5)
    call = client.get_clip(pool.pool_id, "call")
    assert (call.other_ids, client.get_pool(pool.pool_id).clip_count) == (("night~4000-6000",), 5)


def test_the_same_file_may_be_two_recordings(client: LearnerClient, pool: Pool, file: Path):
    for name in ("night", "same"):
        found = client.import_recording(pool.pool_id, name, file, GridCut(2.0))
        assert (found.imported_count, found.recording.window_count) == (5, 5)


def test_a_caller_who_goes_leaves_whole_windows_that_are_gone_on_with(
    raw: Any, client: LearnerClient, pool: Pool, tmp_path: Path
):
    file, cut = tmp_path / "night.wav", GridCut(1.0, 0.02)
    file.write_bytes(encoded(np.tile(night(), 3)))
    header = RecordingImport(pool.pool_id, "night", file, cut).header
    call = raw.ImportRecording(iter([header]), timeout=30)
    next(call)
    call.cancel()
    found = client.import_recording(pool.pool_id, "night", file, cut)
    ids = [each.clip_id for each in client.list_clips(pool.pool_id)]
    assert len(set(ids)) == len(ids) == found.imported_count + found.existing_count == 1_451
    assert found.recording.window_count == 1_451


def test_segments_are_cut_in_any_order_and_gone_on_with(
    client: LearnerClient, pool: Pool, file: Path
):
    cut = SegmentCut(((4.0, 5.0), (0.5, 1.25), (9.0, 10.04)))
    found = client.import_recording(pool.pool_id, "night", file, cut)
    assert found.imported_count == 3
    ids = {each.clip_id for each in client.list_clips(pool.pool_id)}
    assert ids == {"night~4000-5000", "night~500-1250", "night~9000-10000"}
    more = SegmentCut((*cut.segments, (2.0, 3.0)))
    again = client.import_recording(pool.pool_id, "night", file, more)
    assert (again.imported_count, again.existing_count) == (1, 3)


def test_sounds_are_cut_at_silence(client: LearnerClient, pool: Pool, file: Path):
    client.import_recording(pool.pool_id, "night", file, SoundCut())
    (clip,) = client.list_clips(pool.pool_id)
    assert clip.start_s == pytest.approx(3.8, abs=0.05)
    assert clip.end_s == pytest.approx(5.2, abs=0.05)


@pytest.mark.parametrize(
    ("cut", "field"),
    [
        (GridCut(11.0), "header.windows.window"),
        (GridCut(61.0), "header.windows.window"),
        (GridCut(0.0), "header.windows.window"),
        (GridCut(0.000_01), "header.windows.window"),
        (GridCut(1.0, 0.0), "header.windows.hop"),
        (SegmentCut(()), "header.segments.segments"),
        (SegmentCut(((1.0, 2.0), (9.5, 10.5))), "header.segments.segments[1].end"),
        (SegmentCut(((2.0, 1.0),)), "header.segments.segments[0].end"),
        (SegmentCut(((1.0, 2.0), (3.0, 4.0), (1.0, 2.0))), "header.segments.segments[2]"),
        (SoundCut(on_db=3.0), "header.sounds.off_db"),
        (SoundCut(pad_s=1.0), "header.sounds.pad"),
    ],
)
def test_a_cut_that_cannot_be_is_refused_with_its_field(
    client: LearnerClient, pool: Pool, file: Path, cut: Any, field: str
):
    with pytest.raises(InvalidArgument) as caught:
        client.import_recording(pool.pool_id, "night", file, cut)
    assert [each.field for each in caught.value.violations] == [field]


def test_a_segment_that_is_not_there_says_nothing_of_the_recording(
    client: LearnerClient, pool: Pool, file: Path
):
    cut = SegmentCut(((1.0, 2.0), (9.5, 10.5)))
    with pytest.raises(InvalidArgument, match="behind that end segments 1"):
        client.import_recording(pool.pool_id, "night", file, cut)
    for segments in (cut.segments[:1], ((1.0, 2.0), (3.0, 4.0))):
        again = client.import_recording(pool.pool_id, "night", file, SegmentCut(segments))
        assert again.recording.problem == ""


def test_an_id_is_of_one_recording(client: LearnerClient, pool: Pool, file: Path, tmp_path: Path):
    client.import_recording(pool.pool_id, "night", file, GridCut(5.0))
    other = tmp_path / "other.flac"
    other.write_bytes(encoded(night(7), "audio/flac"))
    with pytest.raises(AlreadyExists, match="exists with other content"):
        client.import_recording(pool.pool_id, "night", other, GridCut(5.0))
    assert client.get_recording(pool.pool_id, "night").uri == file.as_uri()


@pytest.mark.parametrize("keeps", [True, False])
def test_a_window_is_heard_with_what_is_around_it(client: LearnerClient, file: Path, keeps: bool):
    pool = client.create_pool(new_id(), keep_audio=keeps)
    client.import_recording(pool.pool_id, "night", file, GridCut(2.0))
    whole, _ = soundfile.read(file, dtype="float32")
    if keeps:
        file.unlink()
    heard = client.get_clip_audio(pool.pool_id, "night~4000-6000")
    assert heard.media_type == "audio/wav"
    assert (heard.start, heard.end) == tuple(seconds(0, 2))
    np.testing.assert_array_equal(_samples(heard.content), whole[4 * RATE_HZ : 6 * RATE_HZ])
    around = client.get_clip_audio(
        pool.pool_id,
        "night~0-2000",
        before=timedelta(seconds=3),
        after=timedelta(seconds=0.5),
    )
    assert (around.start, around.end) == tuple(seconds(0, 2))
    np.testing.assert_array_equal(_samples(around.content), whole[: round(2.5 * RATE_HZ)])
    with pytest.raises(InvalidArgument, match="context_before"):
        client.get_clip_audio(pool.pool_id, "night~0-2000", before=timedelta(seconds=61))
    client.import_clips(pool.pool_id, [NewClip("plain", audio=encoded(tone()))])
    with pytest.raises(InvalidArgument, match="the clip is no window"):
        client.get_clip_audio(pool.pool_id, "plain", after=timedelta(seconds=1))


def test_a_kept_recording_that_is_damaged_is_mended_by_importing_it_again(
    client: LearnerClient, file: Path, stack_data_dir: Path
):
    pool = client.create_pool(new_id(), keep_audio=True)
    found = client.import_recording(pool.pool_id, "night", file, GridCut(2.0), uri="")
    heard = client.get_clip_audio(pool.pool_id, "night~4000-6000")
    [kept] = (stack_data_dir / "audio").glob(f"*/??/{found.recording.content_hash}")
    kept.write_bytes(bytes(kept.stat().st_size))
    with pytest.raises(NotFound, match="is damaged; it has no URI"):
        client.get_clip_audio(pool.pool_id, "night~4000-6000")
    again = client.import_recording(pool.pool_id, "night", file, GridCut(2.0), uri="")
    assert (again.imported_count, again.existing_count) == (0, 5)
    assert client.get_clip_audio(pool.pool_id, "night~4000-6000") == heard


def test_a_window_of_a_file_that_changed_is_not_heard(
    client: LearnerClient, pool: Pool, file: Path
):
    client.import_recording(pool.pool_id, "night", file, GridCut(2.0))
    file.write_bytes(encoded(night(3), "audio/flac"))
    with pytest.raises(NotFound, match="another file than the recording"):
        client.get_clip_audio(pool.pool_id, "night~0-2000")


def test_a_recording_that_breaks_off_keeps_what_comes_before(
    client: LearnerClient, pool: Pool, tmp_path: Path
):
    file = tmp_path / "night.wav"
    whole = encoded(night(5))
    file.write_bytes(whole[: 44 + 2 * 7 * RATE_HZ])
    found = client.import_recording(pool.pool_id, "night", file, GridCut(1.0))
    assert found.imported_count == 7
    assert "breaks off at 7.000 s of 10.000 s" in found.recording.problem
    assert found.recording.duration is None
    assert found.recording.decoded == timedelta(seconds=7)
    taken = client.import_recording(
        pool.pool_id, "night", file, GridCut(1.0), decoding=Decoding(accept_damaged=True)
    )
    assert (taken.imported_count, taken.existing_count) == (0, 7)
    assert (taken.recording.problem, taken.recording.duration) == ("", timedelta(seconds=7))


def test_deleting_a_recording_takes_its_windows(client: LearnerClient, pool: Pool, file: Path):
    client.import_recording(pool.pool_id, "night", file, GridCut(2.0))
    client.import_recording(pool.pool_id, "same", file, GridCut(5.0))
    assert client.get_pool(pool.pool_id).clip_count == 7
    deleted = client.delete_recordings(pool.pool_id, ["night"])
    assert (deleted.recording_count, deleted.window_count) == (1, 5)
    with pytest.raises(NotFound, match="holds no recording 'night'"):
        client.get_recording(pool.pool_id, "night")
    assert client.delete_recordings(pool.pool_id, ["night"]).window_count == 0
    with pytest.raises(NotFound, match="'never'"):
        client.delete_recordings(pool.pool_id, ["same", "never"])
    assert {each.recording_id for each in client.list_clips(pool.pool_id)} == {"same"}


def test_a_recording_that_is_deleted_while_it_is_imported_is_gone(
    client: LearnerClient, pool: Pool, tmp_path: Path
):
    file = tmp_path / "night.wav"
    deleted: list[DeletedRecordings] = []
    file.write_bytes(encoded(np.concatenate([night(seed) for seed in range(6)]), "audio/wav"))

    def delete(told: RecordingProgress) -> None:
        if told.stored_count and not deleted:
            deleted.append(client.delete_recordings(pool.pool_id, ["night"]))

    with pytest.raises(NotFound, match=r"recordings/night was deleted meanwhile"):
        client.import_recording(pool.pool_id, "night", file, GridCut(1.0, 0.01), on_progress=delete)
    assert [each.recording_count for each in deleted] == [1]
    assert not list(client.list_clips(pool.pool_id))
    assert not list(client.list_recordings(pool.pool_id))


def test_filters_know_windows(client: LearnerClient, pool: Pool, file: Path):
    client.import_recording(pool.pool_id, "night", file, GridCut(2.0, 1.0))
    client.import_recording(pool.pool_id, "same", file, SegmentCut(((1.0, 1.5),)))
    taken = client.list_clips(pool.pool_id, 'recording = "night" AND start_s >= 3 AND end_s < 7')
    assert [each.start_s for each in taken] == [3.0, 4.0]
    (short,) = client.list_clips(pool.pool_id, "duration_s < 1")
    assert short.clip_id == "same~1000-1500"


@pytest.mark.parametrize("last_window", LastWindow)
def test_what_is_left_at_the_end(
    client: LearnerClient, pool: Pool, file: Path, last_window: LastWindow
):
    client.import_recording(pool.pool_id, "night", file, GridCut(4.0, last_window=last_window))
    clips = list(client.list_clips(pool.pool_id))
    assert len(clips) == (2 if last_window is LastWindow.DROP else 3)
    if last_window is not LastWindow.DROP:
        assert (clips[2].start_s, clips[2].end_s) == (8.0, 10.0)


def test_what_is_sent_must_be_what_was_announced(raw: Any, pool: Pool, file: Path):
    content = file.read_bytes()
    header = pb.RecordingHeader(
        pool=f"pools/{pool.pool_id}",
        recording_id="night",
        content_hash="0" * 32,
        byte_count=len(content),
        windows=pb.WindowGrid(window=Duration(seconds=2)),
    )

    def answers(*chunks: bytes) -> list[Any]:
        messages = [pb.ImportRecordingRequest(header=header)]
        messages += [pb.ImportRecordingRequest(chunk=each) for each in chunks]
        return list(raw.ImportRecording(iter(messages), timeout=20))

    for chunks, field in (
        ((content,), "content_hash"),
        ((content, b"x"), "announced"),
        ((content[:-1],), "announced"),
    ):
        with pytest.raises(Exception, match=field):
            answers(*chunks)


async def test_the_same_from_asyncio(stack: LocalStack, file: Path):
    async with connect_async(stack.learner_address) as learner:
        pool = await learner.create_pool(new_id())
        # Nobody says where it lies: it is sent.
        found = await learner.import_recording(pool.pool_id, "night", file, GridCut(2.0), uri="")
        assert (found.imported_count, found.recording.uri) == (5, "")
        assert [each async for each in learner.list_recordings(pool.pool_id)] == [found.recording]
        assert await learner.get_recording(pool.pool_id, "night") == found.recording
        deleted = await learner.delete_recordings(pool.pool_id, ["night"])
        assert deleted.window_count == 5


def _samples(content: bytes) -> Samples:
    samples: Samples
    samples, rate_hz = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate_hz == RATE_HZ
    return samples


def test_labels_tell_recordings_that_are_divided(client: LearnerClient, pool: Pool, file: Path):
    """Windows to learn from and to judge heads by are better not of one recording."""
    client.import_recording(pool.pool_id, "night", file, GridCut(2.0))
    client.import_recording(pool.pool_id, "day", file, GridCut(5.0))
    task_id = new_id()
    client.create_task(task_id, pool.pool_id, ["yes", "no"])
    train, test = Split.TRAIN, Split.TEST

    def divided(*labels: tuple[str, Split]) -> tuple[str, ...]:
        known = [KnownLabel(clip_id, "yes", split) for clip_id, split in labels]
        return client.import_labels(task_id, known).divided_recordings

    assert divided(("night~0-2000", train), ("day~0-5000", test)) == ()
    assert divided(("night~2000-4000", train)) == ()
    assert divided(("day~5000-10000", train), ("night~4000-6000", test)) == ("day", "night")
    assert divided(("night~6000-8000", Split.VALIDATION)) == ("night",)
