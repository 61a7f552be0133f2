"""Whether bytes are the recording of a clip: its file, or a file of its samples."""

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from tests.rpc.learner.recordings import CONTAINERS, encoded, tone

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.pool import Audio, Clip, EncodedAudio, PcmAudio, content_hash
from aloe.learner.domain.recordings import file_of, is_recording_of
from aloe.values.audio import ChannelRule, Decoding

_DTYPES = {"int16": "<i2", "float32": "<f4"}
_SUBTYPES = {"int16": "PCM_16", "float32": "FLOAT"}


def pcm(sample_format: str = "int16", channel_count: int = 1, rate_hz: int = 8_000) -> PcmAudio:
    numbers = np.arange(12 * channel_count, dtype=_DTYPES[sample_format])
    return PcmAudio(numbers.tobytes(), rate_hz, sample_format, channel_count)


def clip_of(audio: Audio) -> Clip:
    return Clip("a", content_hash(audio))


@pytest.mark.parametrize("media_type", CONTAINERS)
def test_a_file_is_the_recording_that_was_imported_and_no_other(media_type: str):
    content = encoded(tone(), media_type)
    clip = clip_of(EncodedAudio(content))
    assert is_recording_of(clip, EncodedAudio(content))
    assert not is_recording_of(clip, EncodedAudio(content + b"\0"))
    assert not is_recording_of(clip, EncodedAudio(content[:-1]))
    assert not is_recording_of(clip, EncodedAudio(b""))


@pytest.mark.parametrize("sample_format", _DTYPES)
@pytest.mark.parametrize("channel_count", [1, 2, 3])
def test_samples_are_known_in_every_wav_file_of_them(sample_format: str, channel_count: int):
    audio = pcm(sample_format, channel_count)
    content = file_of(audio)
    samples, rate_hz = soundfile.read(io.BytesIO(content), dtype=sample_format, always_2d=True)
    assert (samples.tobytes(), rate_hz, samples.shape[1]) == (audio.samples, 8_000, channel_count)
    # libsndfile writes chunks between the two that matter, with the time in one of them.
    other = io.BytesIO()
    soundfile.write(other, samples, rate_hz, format="WAV", subtype=_SUBTYPES[sample_format])
    for file in (content, other.getvalue()):
        assert is_recording_of(clip_of(audio), EncodedAudio(file))
    for unlike in (
        pcm(sample_format, channel_count + 1),
        pcm(sample_format, channel_count, rate_hz=8_001),
        pcm("float32" if sample_format == "int16" else "int16", channel_count),
    ):
        assert not is_recording_of(clip_of(unlike), EncodedAudio(content))


@given(st.binary(max_size=80), st.integers(0, 60))
def test_any_bytes_can_be_asked_about(noise: bytes, kept_count: int):
    content = file_of(pcm())[:kept_count] + noise
    assert not is_recording_of(Clip("a", "0" * 32), EncodedAudio(content))


@pytest.mark.parametrize(
    "audio",
    [
        EncodedAudio(b""),
        PcmAudio(b"", 8_000, "int16", 1),
        PcmAudio(b"123", 8_000, "int16", 1),
        PcmAudio(b"1234", 0, "int16", 1),
        PcmAudio(b"1234", 8_000, "unspecified", 1),
        PcmAudio(bytes(1 << 18), 8_000, "int16", 1 << 16),
        PcmAudio(bytes(128), 2**32 - 1, "int16", 64),
    ],
)
def test_what_is_no_recording_makes_no_file(audio: Audio):
    with pytest.raises(InvalidInput):
        file_of(audio)


def test_a_clip_of_one_channel_is_known_by_the_whole_file():
    content, channel = encoded(tone()), Decoding(ChannelRule.NUMBERED, 2)
    clip = Clip("a", content_hash(EncodedAudio(content, channel)), decoding=channel)
    assert is_recording_of(clip, EncodedAudio(content))
    assert not is_recording_of(clip_of(EncodedAudio(content, channel)), EncodedAudio(content))
    samples = Clip("a", content_hash(replace(pcm(), decoding=channel)), decoding=channel)
    assert is_recording_of(samples, EncodedAudio(file_of(pcm())))
