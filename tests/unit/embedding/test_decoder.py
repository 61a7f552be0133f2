import io
import random
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from tests.unit.embedding.recordings import CONTAINERS, encoded, pcm, tone

from aloe.audio.isolation import IsolatedDecoder
from aloe.embedding.audio.clip import (
    Audio,
    EncodedAudio,
    MalformedAudio,
    PcmAudio,
    SampleFormat,
)
from aloe.embedding.audio.decoder import AudioDecoder
from aloe.embedding.domain.errors import InvalidAudio
from aloe.values.audio import AudioProblem, ChannelRule, Decoding

FILES = IsolatedDecoder()
DECODER = AudioDecoder(16_000, 2.0, FILES)


def spectrum_peak_hz(samples: np.ndarray) -> float:
    magnitudes = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(magnitudes) * 16_000 / samples.size)


@pytest.mark.parametrize(("container", "coding", "tolerance"), CONTAINERS)
def test_every_container_decodes_to_the_same_samples(
    container: str, coding: str, tolerance: float
) -> None:
    samples = tone()
    clip = DECODER.decode(EncodedAudio(encoded(samples, 16_000, container, coding)))
    assert clip.samples.dtype == np.float32
    assert clip.duration_s == pytest.approx(0.5, abs=0.1)
    inner = slice(2_000, 6_000)
    if coding == "MPEG_LAYER_III":  # delays the sound by a frame
        assert spectrum_peak_hz(clip.samples) == pytest.approx(440, abs=5)
    else:
        np.testing.assert_allclose(clip.samples[inner], samples[inner], atol=tolerance)


@pytest.mark.parametrize(
    "rate_hz", [4_000, 8_000, 11_025, 22_050, 44_100, 48_000, 192_000, 384_000]
)
@pytest.mark.parametrize("channel_count", [1, 2, 6])
def test_any_rate_and_channel_count_keeps_pitch_and_duration(
    rate_hz: int, channel_count: int
) -> None:
    mono = tone(0.5, rate_hz)
    frames = np.stack([mono] * channel_count, axis=1)
    for audio in (EncodedAudio(encoded(frames, rate_hz)), pcm(frames, rate_hz)):
        clip = DECODER.decode(audio)
        assert clip.samples.size == pytest.approx(8_000, abs=2)
        assert clip.duration_s == pytest.approx(0.5, abs=1e-4)
        assert spectrum_peak_hz(clip.samples) == pytest.approx(440, abs=3)
        assert np.abs(clip.samples).max() == pytest.approx(0.5, abs=0.05)


def test_channels_are_averaged() -> None:
    frames = np.stack([np.full(100, 0.6), np.full(100, -0.2)], axis=1).astype(np.float32)
    np.testing.assert_allclose(DECODER.decode(pcm(frames)).samples, 0.2, atol=1e-6)


@pytest.mark.parametrize(("divisor", "full_scale"), [(32_768.0, 32_767 / 32_768), (32_767.0, 1.0)])
def test_int16_is_divided_by_what_was_set_in_files_and_raw_samples(
    divisor: float, full_scale: float
) -> None:
    decoder = AudioDecoder(16_000, 2.0, FILES, int16_divisor=divisor)
    peaks = np.array([32_767, -32_768, 0, 1], dtype="<i2")
    file = io.BytesIO()
    soundfile.write(file, peaks, 16_000, format="WAV", subtype="PCM_16")
    raw = PcmAudio(peaks.tobytes(), SampleFormat.INT16, 16_000)
    for audio in (raw, EncodedAudio(file.getvalue())):
        assert decoder.decode(audio).samples[0] == pytest.approx(full_scale, abs=1e-7)


def test_a_quick_clip_is_one_that_needs_no_resampling() -> None:
    assert DECODER.is_quick(pcm(tone()))
    assert not DECODER.is_quick(pcm(tone(), 8_000))
    assert not DECODER.is_quick(EncodedAudio(encoded(tone(), 16_000)))


GOOD = tone().astype("<f4").tobytes()
BAD_AUDIO = [
    (EncodedAudio(b""), "encoded", "holds no audio"),
    (EncodedAudio(b"RIFF this is not a sound file"), "encoded", "are no audio file"),
    (EncodedAudio(encoded(np.zeros(0, np.float32), 16_000)), "encoded", "holds no samples"),
    (EncodedAudio(encoded(tone(), 999)), "encoded", "999 Hz; it must be 1,000 to 1,000,000"),
    (EncodedAudio(encoded(tone(2.01), 16_000)), "encoded", "at most 2 s are taken"),
    (PcmAudio(GOOD, SampleFormat.FLOAT32, 0), "pcm.sample_rate_hz", "is 0 Hz"),
    (PcmAudio(GOOD, SampleFormat.FLOAT32, 999), "pcm.sample_rate_hz", "999 Hz"),
    (PcmAudio(GOOD, SampleFormat.FLOAT32, 1_000_001), "pcm.sample_rate_hz", "1,000,001 Hz"),
    (pcm(np.stack([tone(), -tone()], axis=1)), "pcm.samples", "cancel each other out"),
    (PcmAudio(GOOD, None, 16_000), "pcm.sample_format", "give INT16 or FLOAT32"),
    (PcmAudio(b"", SampleFormat.INT16, 16_000), "pcm.samples", "holds no samples"),
    (PcmAudio(b"abc", SampleFormat.INT16, 16_000), "pcm.samples", "3 bytes are no whole number"),
    (PcmAudio(b"abcdef", SampleFormat.INT16, 16_000, 2), "pcm.samples", "frames of 4 bytes"),
    (PcmAudio(GOOD, SampleFormat.FLOAT32, 16_000, 65), "pcm.channel_count", "at most 64"),
    (PcmAudio(GOOD * 5, SampleFormat.FLOAT32, 16_000), "pcm.samples", "at most 2 s are taken"),
    (pcm(np.array([0, np.nan], np.float32)), "pcm.samples", "NaN or infinite"),
    (pcm(np.array([0, -np.inf], np.float32)), "pcm.samples", "NaN or infinite"),
    (pcm(np.array([0, 20_000], np.float32)), "pcm.samples", "full scale is 1"),
    (
        EncodedAudio(encoded(np.array([0, np.nan], np.float32), 16_000, "WAV", "FLOAT")),
        "encoded",
        "NaN or infinite",
    ),
]


@pytest.mark.parametrize(("audio", "field", "message"), BAD_AUDIO)
def test_bad_audio_is_refused_with_the_field_and_the_remedy(
    audio: Audio, field: str, message: str
) -> None:
    with pytest.raises(InvalidAudio, match=message) as caught:
        DECODER.decode(audio)
    assert caught.value.field == field
    assert "\n" not in str(caught.value)
    assert "object at" not in str(caught.value)


@pytest.mark.parametrize("rate_hz", [44_100, 256_000])
def test_that_the_encoder_hears_only_lower_frequencies_is_told(rate_hz: int) -> None:
    for audio in (
        EncodedAudio(encoded(tone(0.5, rate_hz), rate_hz)),
        pcm(tone(0.5, rate_hz), rate_hz),
    ):
        (warning,) = DECODER.decode(audio).report.warnings
        assert warning.problem is AudioProblem.PARTLY_HEARD
        assert warning.message == (
            f"the encoder hears it up to 8 kHz; it goes up to {rate_hz / 2_000:g} kHz"
        )
    assert DECODER.decode(pcm(tone())).report.warnings == ()


def test_channels_of_raw_samples_are_chosen_as_those_of_files() -> None:
    frames = np.stack([tone() * 0.1, tone()], axis=1)
    for rule, number, expected in (
        (ChannelRule.NUMBERED, 1, 1),
        (ChannelRule.NUMBERED, 2, 2),
        (ChannelRule.LOUDEST, 0, 2),
        (ChannelRule.MIX, 0, 0),
    ):
        decoding = Decoding(rule, number)
        raw = replace(pcm(frames), decoding=decoding)
        file = EncodedAudio(encoded(frames, 16_000, "WAV", "FLOAT"), decoding)
        clips = [DECODER.decode(audio) for audio in (raw, file)]
        np.testing.assert_array_equal(clips[0].samples, clips[1].samples)
        assert clips[0].report == clips[1].report
        assert clips[0].report.channel == expected


def test_a_message_that_does_not_say_how_to_read_it_is_refused() -> None:
    with pytest.raises(InvalidAudio, match="give one") as caught:
        DECODER.decode(MalformedAudio("decoding.channel", "0; give one"))
    assert caught.value.field == "decoding.channel"


def test_a_small_file_that_decodes_to_a_long_clip_is_refused() -> None:
    flac = encoded(np.zeros(16_000 * 600, np.float32), 16_000, "FLAC", "PCM_16")
    assert len(flac) < 100_000
    # The header does not tell the length, as in a stream: only counting helps.
    unknown = bytearray(flac)
    unknown[21] &= 0xF0
    unknown[22:26] = b"\0\0\0\0"
    for content in (flac, bytes(unknown)):
        with pytest.raises(InvalidAudio, match="at most 2 s are taken"):
            DECODER.decode(EncodedAudio(content))


def test_random_and_damaged_files_are_refused_or_decoded_but_never_anything_else() -> None:
    rng = random.Random(7)
    originals = [encoded(tone(), 16_000, container, coding) for container, coding, _ in CONTAINERS]
    refusals = []
    for number in range(600):
        content = bytearray(rng.choice(originals))
        match number % 3:
            case 0:
                content = content[: rng.randrange(len(content))]
            case 1:
                for _ in range(rng.randrange(1, 40)):
                    content[rng.randrange(len(content))] = rng.randrange(256)
            case 2:
                content = bytearray(rng.randbytes(rng.randrange(1, 400)))
        try:
            clip = DECODER.decode(EncodedAudio(bytes(content)))
        except InvalidAudio as error:
            refusals.append(str(error))
        else:
            assert clip.samples.size > 0
            assert np.isfinite(clip.samples).all()
            assert clip.duration_s <= 2.0
    assert len(refusals) > 200
    assert not any("object at" in refusal for refusal in refusals)
