"""The media type of a recording, by its first bytes: files that other programs wrote."""

import io

import av
import numpy as np
import pytest
import soundfile
from tests.rpc.learner.recordings import tone

from aloe.learner.adapters.audio.media_types import UNKNOWN, media_type_of

_TAG = b"ID3\x04\x00\x00\x00\x00\x01\x02" + bytes(130)
"""130 bytes long, as 7 bits a byte say it."""


def by_libsndfile(container: str, coding: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(), 16_000, format=container, subtype=coding)
    return file.getvalue()


def by_ffmpeg(container: str, codec: str, rate_hz: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout="mono", bit_rate=64_000)
        silence = np.zeros((1, rate_hz // 2), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="flt", layout="mono")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(stream.format, "mono", rate_hz, stream.frame_size or None)
        for each in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(each))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("container", "coding", "media_type"),
    [
        ("WAV", "PCM_16", "audio/wav"),
        ("WAVEX", "PCM_24", "audio/wav"),
        ("RF64", "PCM_16", "audio/wav"),
        ("W64", "PCM_16", "audio/x-w64"),
        ("AIFF", "PCM_16", "audio/aiff"),
        ("AU", "PCM_16", "audio/basic"),
        ("CAF", "PCM_16", "audio/x-caf"),
        ("FLAC", "PCM_16", "audio/flac"),
        ("OGG", "VORBIS", "audio/ogg"),
        ("OGG", "OPUS", "audio/ogg"),
        ("MP3", "MPEG_LAYER_III", "audio/mpeg"),
    ],
)
def test_files_of_libsndfile(container: str, coding: str, media_type: str):
    content = by_libsndfile(container, coding)
    assert media_type_of(content) == media_type
    assert media_type_of(content[:64]) == media_type


@pytest.mark.parametrize(
    ("container", "codec", "rate_hz", "media_type"),
    [
        ("mp3", "mp3", 44_100, "audio/mpeg"),
        ("mp2", "mp2", 44_100, "audio/mpeg"),
        ("adts", "aac", 44_100, "audio/aac"),
        ("ipod", "aac", 44_100, "audio/mp4"),
        ("mp4", "aac", 44_100, "audio/mp4"),
        ("3gp", "aac", 44_100, "audio/3gpp"),
        ("webm", "libopus", 48_000, "audio/webm"),
        ("matroska", "libopus", 48_000, "audio/x-matroska"),
        ("asf", "wmav2", 44_100, "audio/x-ms-wma"),
        ("ac3", "ac3", 44_100, "audio/ac3"),
        ("wv", "wavpack", 44_100, "audio/x-wavpack"),
        ("tta", "tta", 44_100, "audio/x-tta"),
    ],
)
def test_files_of_ffmpeg(container: str, codec: str, rate_hz: int, media_type: str):
    assert media_type_of(by_ffmpeg(container, codec, rate_hz)) == media_type


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"#!AMR\n\x3c", "audio/amr"),
        (b"#!AMR-WB\n\x44", "audio/amr-wb"),
        (_TAG + b"fLaC", "audio/flac"),
        (_TAG + _TAG + b"\xff\xf1\x50\x80", "audio/aac"),
        (_TAG, "audio/mpeg"),
        (_TAG[:9], UNKNOWN),
        (b"", UNKNOWN),
        (b"RIFF\x00\x00\x00\x00AVI ", "video/x-msvideo"),
        (b"RIFX\x00\x00\x00\x00WAVE", "audio/wav"),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", "video/quicktime"),
        ((b"\x47" + bytes(187)) * 4, "video/mp2t"),
        ((b"\xd2" + bytes(32)) * 4, "audio/x-gsm"),
        (b"RIFF\x00\x00\x00\x00ACON", UNKNOWN),
        ("<html>".encode("utf-16"), UNKNOWN),
        (b"to be or not to be", UNKNOWN),
    ],
)
def test_first_bytes(content: bytes, media_type: str):
    assert media_type_of(content) == media_type
