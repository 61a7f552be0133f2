"""ImportClips with recordings: containers, PCM, URIs, kept audio, failures of single clips."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose
from tests.rpc.learner.recordings import CONTAINERS, encoded, tone
from tests.rpc.learner.scenes import CLASSES, fails_with, new_id

from aloe.client import (
    AudioProblem,
    ChannelRule,
    Decoding,
    EmbeddingClient,
    EncoderMismatch,
    KnownLabel,
    LearnerClient,
    NewClip,
    NotFound,
    Pcm,
    Pool,
    Recording,
)

HALF_A_SECOND = timedelta(seconds=0.5)


def failures_of(summary) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Tell reason and wrong fields of each failed clip."""
    return {
        failure.clip_id: (failure.reason, tuple(each.field for each in failure.violations))
        for failure in summary.failures
    }


@pytest.mark.parametrize("media_type", CONTAINERS)
def test_a_kept_file_is_served_as_it_came(client: LearnerClient, audio_pool: Pool, media_type):
    content = encoded(tone(), media_type)
    summary = client.import_clips(audio_pool.pool_id, [NewClip("a", content)])
    assert (summary.imported_count, summary.failures) == (1, ())
    heard = client.get_clip_audio(audio_pool.pool_id, "a")
    assert (heard.content, heard.media_type) == (content, media_type)
    (clip,) = client.list_clips(audio_pool.pool_id)
    assert clip.duration is not None
    assert abs(clip.duration - HALF_A_SECOND) < timedelta(seconds=0.1)


def test_a_lease_says_how_long_its_recording_is(client: LearnerClient, audio_pool: Pool):
    client.import_clips(audio_pool.pool_id, [NewClip("a", encoded(tone(duration_s=0.25)))])
    task = client.create_task(new_id(), audio_pool.pool_id, CLASSES)
    (lease,) = client.query(task.task_id, "ann@lab:3f2a").leases
    assert lease.duration == timedelta(seconds=0.25)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("channel_count", [1, 2])
def test_kept_pcm_is_served_as_wav(client: LearnerClient, audio_pool: Pool, dtype, channel_count):
    samples = tone(sample_rate_hz=8_000)
    if dtype is np.int16:
        samples = np.round(samples * 32_767).astype(np.int16)
    if channel_count == 2:
        samples = np.stack([samples, samples // 2 if dtype is np.int16 else samples / 2], axis=1)
    client.import_clips(audio_pool.pool_id, [NewClip("a", Pcm(samples, 8_000))])
    heard = client.get_clip_audio(audio_pool.pool_id, "a")
    decoded, rate_hz = soundfile.read(io.BytesIO(heard.content), dtype=np.dtype(dtype).name)
    assert (heard.media_type, rate_hz) == ("audio/wav", 8_000)
    assert np.array_equal(decoded, samples)


def test_a_clip_is_embedded_as_the_embedding_service_does_it(
    client: LearnerClient, embedding_client: EmbeddingClient, audio_pool: Pool
):
    contents = [encoded(tone(frequency_hz)) for frequency_hz in (200, 400, 800, 1600)]
    clips = [NewClip(f"c{index}", content) for index, content in enumerate(contents)]
    assert client.import_clips(audio_pool.pool_id, clips).imported_count == 4
    task = client.create_task(new_id(), audio_pool.pool_id, CLASSES)
    labels = [KnownLabel(f"c{index}", CLASSES[index % 2]) for index in range(4)]
    version = client.import_labels(task.task_id, labels).head_version
    assert version == 1
    by_clip = client.predict(
        task.task_id, clip_ids=[clip.clip_id for clip in clips], min_head_version=1
    )
    by_embedding = client.predict(task.task_id, embeddings=embedding_client.embed(contents).values)
    by_audio = client.predict(task.task_id, audio=contents)
    assert_allclose(by_embedding.probabilities, by_clip.probabilities, atol=1e-5)
    assert_allclose(by_audio.probabilities, by_clip.probabilities, atol=1e-5)
    assert by_clip.labels == by_embedding.labels == by_audio.labels


def test_clips_keep_the_order_of_import_whatever_their_lengths(
    client: LearnerClient, audio_pool: Pool
):
    durations_s = [2.0, 0.1, 1.0, 0.2, 3.0, 0.1, 0.5, 0.3]
    clips = [
        NewClip(f"z{9 - index}", encoded(tone(300 + index, duration_s=duration_s)))
        for index, duration_s in enumerate(durations_s)
    ]
    client.import_clips(audio_pool.pool_id, clips)
    listed = list(client.list_clips(audio_pool.pool_id))
    assert [clip.clip_id for clip in listed] == [clip.clip_id for clip in clips]
    assert [clip.duration for clip in listed] == [timedelta(seconds=each) for each in durations_s]


def test_a_clip_that_cannot_be_taken_fails_alone_and_is_named(
    client: LearnerClient, audio_pool: Pool
):
    nan = tone()
    nan[7] = np.nan
    infinite = tone()
    infinite[7] = -np.inf
    clips = [
        NewClip("good-1", encoded(tone(300))),
        NewClip("empty", b""),
        NewClip("garbage", bytes(range(256)) * 20),
        NewClip("cut", encoded(tone())[:20]),
        NewClip("silent-file", encoded(np.zeros(0, np.float32))),
        NewClip(
            "too-long", encoded(tone(duration_s=60.5, sample_rate_hz=8_000), sample_rate_hz=8_000)
        ),
        NewClip("nan", Pcm(nan, 16_000)),
        NewClip("nan-file", encoded(nan, coding="FLOAT")),
        NewClip("infinite", Pcm(infinite, 16_000)),
        NewClip("rate-0", Pcm(tone(), 0)),
        NewClip("rate-absurd", Pcm(tone(), 4_000_000_000)),
        NewClip("no-samples", Pcm(np.zeros(0, np.float32), 16_000)),
        NewClip("good-2", encoded(tone(500))),
    ]
    summary = client.import_clips(audio_pool.pool_id, clips)
    assert summary.imported_count == 2
    assert failures_of(summary) == {
        "empty": ("INVALID_INPUT", ("audio.encoded",)),
        "garbage": ("INVALID_INPUT", ("audio.encoded",)),
        "cut": ("INVALID_INPUT", ("audio.encoded",)),
        "silent-file": ("INVALID_INPUT", ("audio.encoded",)),
        "too-long": ("INVALID_INPUT", ("audio.encoded",)),
        "nan": ("INVALID_INPUT", ("audio.pcm.samples",)),
        "nan-file": ("INVALID_INPUT", ("audio.encoded",)),
        "infinite": ("INVALID_INPUT", ("audio.pcm.samples",)),
        "rate-0": ("INVALID_INPUT", ("audio.pcm.sample_rate_hz",)),
        "rate-absurd": ("INVALID_INPUT", ("audio.pcm.sample_rate_hz",)),
        "no-samples": ("INVALID_INPUT", ("audio.pcm.samples",)),
    }
    assert [clip.clip_id for clip in client.list_clips(audio_pool.pool_id)] == ["good-1", "good-2"]


def test_nothing_is_kept_of_a_recording_that_was_refused(
    client: LearnerClient, audio_pool: Pool, stack_data_dir: Path
):
    def kept_files() -> set[Path]:
        return {path for path in (stack_data_dir / "audio").rglob("*") if path.is_file()}

    before = kept_files()
    client.import_clips(audio_pool.pool_id, [NewClip("bad", b"no recording at all")])
    assert kept_files() == before
    client.import_clips(audio_pool.pool_id, [NewClip("good", encoded(tone(1234)))])
    assert len(kept_files()) == len(before) + 1


def test_audio_that_was_not_kept_is_not_found(client: LearnerClient):
    pool = client.create_pool(new_id())
    client.import_clips(pool.pool_id, [NewClip("a", encoded(tone()))])
    with fails_with("AUDIO_NOT_FOUND", NotFound):
        client.get_clip_audio(pool.pool_id, "a")
    with fails_with("CLIP_NOT_FOUND", NotFound):
        client.get_clip_audio(pool.pool_id, "b")


def test_audio_of_an_allowed_place_is_read_by_its_uri(client: LearnerClient, readable_folder: Path):
    content = encoded(tone(700), "audio/flac")
    path = readable_folder / f"{new_id()}.flac"
    path.write_bytes(content)
    pool = client.create_pool(new_id())
    clips = [
        NewClip("by-uri", uri=path.as_uri()),
        NewClip("missing", uri=f"{path.as_uri()}.not-there"),
    ]
    summary = client.import_clips(pool.pool_id, clips)
    assert summary.imported_count == 1
    assert failures_of(summary) == {"missing": ("AUDIO_NOT_FOUND", ())}
    (clip,) = client.list_clips(pool.pool_id)
    assert clip.uri == path.as_uri()
    assert client.get_clip_audio(pool.pool_id, "by-uri").content == content


def test_a_uri_outside_the_allowed_places_is_never_read(
    client: LearnerClient, readable_folder: Path, tmp_path: Path
):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(encoded(tone()))
    inside = readable_folder.as_uri()
    uris = {
        "outside": secret.as_uri(),
        "plain-path": str(secret),
        "dots": f"{inside}/../{tmp_path.name}/secret.wav",
        "sibling": f"{inside}-other/secret.wav",
        "chained": f"{inside}/x::{secret.as_uri()}",
        "web": "http://127.0.0.1:1/secret.wav",
        "folder": f"{inside}/",
    }
    pool = client.create_pool(new_id())
    summary = client.import_clips(
        pool.pool_id, [NewClip(clip_id, uri=uri) for clip_id, uri in uris.items()]
    )
    assert summary.imported_count == 0
    assert failures_of(summary) == dict.fromkeys(uris, ("AUDIO_NOT_FOUND", ()))


def test_the_uri_of_a_clip_opens_no_file_but_its_own_recording(
    client: LearnerClient, tmp_path: Path
):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(encoded(tone()))
    pool = client.create_pool(new_id())
    clip = NewClip("a", encoded(tone(300)), uri=secret.as_uri())
    assert client.import_clips(pool.pool_id, [clip]).imported_count == 1
    with fails_with("AUDIO_NOT_FOUND", NotFound):
        client.get_clip_audio(pool.pool_id, "a")


def test_audio_for_a_pool_of_another_encoder_is_refused(client: LearnerClient):
    pool = client.create_pool(
        new_id(), encoder_id="logmel", encoder_fingerprint="another", embedding_dim=256
    )
    with fails_with("ENCODER_MISMATCH", EncoderMismatch):
        client.import_clips(pool.pool_id, [NewClip("a", encoded(tone()))])
    assert client.get_pool(pool.pool_id).clip_count == 0


def test_many_recordings_in_one_import_all_arrive(client: LearnerClient):
    pool = client.create_pool(new_id())
    clips = [
        NewClip(f"c{index}", encoded(tone(100 + index, duration_s=0.1))) for index in range(600)
    ]
    seen: list[int] = []
    summary = client.import_clips(pool.pool_id, clips, on_progress=seen.append)
    assert (summary.imported_count, summary.failures, seen[-1]) == (600, (), 600)
    listed = [clip.clip_id for clip in client.list_clips(pool.pool_id)]
    assert listed == [clip.clip_id for clip in clips]
    again = client.import_clips(pool.pool_id, clips)
    assert (again.imported_count, again.existing_count) == (0, 600)


def test_how_a_recording_was_read_and_what_was_found_in_it_is_kept_with_the_clip(
    client: LearnerClient, audio_pool: Pool
):
    wide = encoded(tone(sample_rate_hz=48_000), sample_rate_hz=48_000)
    left = np.stack([tone(300), -tone(300)], axis=1)
    cut_off = encoded(tone())[:-4_000]
    clips = [
        NewClip("wide", wide),
        NewClip("plain", encoded(tone())),
        NewClip("right", encoded(left), decoding=Decoding(ChannelRule.NUMBERED, 2)),
        NewClip("loudest", Pcm(left, 16_000), decoding=Decoding(ChannelRule.LOUDEST)),
        NewClip("cut-off", cut_off, decoding=Decoding(accept_damaged=True)),
        NewClip("refused-mix", encoded(left)),
        NewClip("refused-cut", cut_off),
    ]
    summary = client.import_clips(audio_pool.pool_id, clips)
    failures = {failure.clip_id: failure.message for failure in summary.failures}
    assert set(failures) == {"refused-mix", "refused-cut"}
    assert "choose a channel" in failures["refused-mix"]
    assert "cut off: holds 0.375 s of 0.500 s" in failures["refused-cut"]
    assert summary.warned_count == 2
    found = {clip.clip_id: clip.warnings[0].problem for clip in summary.warnings}
    assert found == {"wide": AudioProblem.PARTLY_HEARD, "cut-off": AudioProblem.CUT_OFF}
    stored = {clip.clip_id: clip for clip in client.list_clips(audio_pool.pool_id)}
    for clip in clips[:5]:
        assert stored[clip.clip_id].decoding == clip.decoding
    assert [stored[each].report.channel for each in ("right", "loudest", "plain")] == [2, 1, 0]
    assert stored["wide"].report.sample_rate_hz == 48_000
    assert stored["wide"].report.warnings == summary.warnings[0].warnings


def test_another_channel_of_a_recording_is_another_content(client: LearnerClient, audio_pool: Pool):
    content = encoded(np.stack([tone(300), tone(500)], axis=1))
    for decoding in (Decoding(), Decoding(ChannelRule.NUMBERED, 1), Decoding(ChannelRule.MIX)):
        clip = NewClip("a", content, decoding=decoding)
        summary = client.import_clips(audio_pool.pool_id, [clip])
        assert bool(summary.failures) == (decoding != Decoding())
    accepting = NewClip("a", content, decoding=Decoding(accept_damaged=True))
    assert client.import_clips(audio_pool.pool_id, [accepting]).existing_count == 1


def test_a_recording_of_one_channel_is_the_same_whichever_is_asked_for(
    client: LearnerClient, audio_pool: Pool
):
    mono = encoded(tone())
    two = encoded(np.stack([tone(300), tone(500)], axis=1))
    clips = [NewClip("mono", mono), NewClip("two", two)]
    assert client.import_clips(audio_pool.pool_id, clips).imported_count == 2
    loudest = Decoding(ChannelRule.LOUDEST)
    again = [replace(clip, decoding=loudest) for clip in clips]
    summary = client.import_clips(audio_pool.pool_id, again)
    assert summary.existing_count == 1
    (failure,) = summary.failures
    assert failure.clip_id == "two"
    assert "or another channel of this recording" in failure.message
    replaced = client.import_clips(audio_pool.pool_id, again, replace=True)
    assert (replaced.existing_count, replaced.replaced_count) == (1, 1)
    first, second = client.list_clips(audio_pool.pool_id)
    assert (first.clip_id, first.decoding) == ("mono", Decoding())
    assert (second.clip_id, second.decoding, second.report.channel) == ("two", loudest, 1)
    assert client.get_clip_audio(audio_pool.pool_id, "mono").content == mono


def test_only_clips_that_were_taken_are_warned_of(client: LearnerClient, audio_pool: Pool):
    wide = encoded(tone(sample_rate_hz=48_000), sample_rate_hz=48_000)
    client.import_clips(audio_pool.pool_id, [NewClip("first", wide)])
    again = [NewClip("first", wide), NewClip("second-name", wide)]
    summary = client.import_clips(audio_pool.pool_id, again)
    assert (summary.existing_count, summary.duplicate_count, summary.warned_count) == (1, 1, 0)


def test_one_recording_whose_decoding_makes_no_sense_fails_alone_in_predict(
    client: LearnerClient, audio_pool: Pool
):
    good = encoded(tone())
    client.import_clips(
        audio_pool.pool_id, [NewClip(f"c{n}", encoded(tone(300 + n))) for n in range(2)]
    )
    task = client.create_task(new_id(), audio_pool.pool_id, CLASSES)
    client.import_labels(task.task_id, [KnownLabel(f"c{n}", CLASSES[n]) for n in range(2)])
    nowhere = Recording(good, Decoding(ChannelRule.NUMBERED, 0))
    found = client.predict(task.task_id, audio=[nowhere, good], min_head_version=1)
    assert [failure.index for failure in found.failures] == [0]
    assert "give a number from 1" in found.failures[0].message
    assert found.labels[1] in CLASSES
