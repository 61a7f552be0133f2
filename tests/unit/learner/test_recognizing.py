"""What is taken for a recording: files of every kind that is decoded, and nothing else."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SHARED
from tests.rpc.learner.recordings import CONTAINERS, encoded, tone
from tests.unit.learner.test_media_types import by_ffmpeg, by_libsndfile

from aloe.learner.adapters.audio.recognizing import is_recording

CASES = SHARED / "cases"


@pytest.mark.parametrize("media_type", CONTAINERS)
def test_what_clients_send_is_one(media_type: str):
    content = encoded(tone(), media_type)
    assert is_recording(content)
    assert is_recording(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("container", "coding"),
    [("W64", "PCM_16"), ("AIFF", "PCM_16"), ("AU", "PCM_16"), ("CAF", "PCM_16"), ("WAV", "ALAW")],
)
def test_what_libsndfile_writes_is_one(container: str, coding: str):
    assert is_recording(by_libsndfile(container, coding))


@pytest.mark.parametrize(
    ("container", "codec"),
    [("adts", "aac"), ("mp4", "aac"), ("mp2", "mp2"), ("mpegts", "aac"), ("avi", "mp2"),
     ("flv", "aac"), ("mov", "aac"), ("asf", "wmav2"), ("webm", "libopus"), ("wv", "wavpack")],
)  # fmt: skip
def test_what_ffmpeg_writes_is_one(container: str, codec: str):
    assert is_recording(by_ffmpeg(container, codec, 48_000))


def test_mp3_behind_tags_and_padding_is_one():
    content = encoded(tone(), "audio/mpeg")
    for front in (bytes(4_000), b"APETAGEX" + bytes(300), b"ID3\x04" + bytes(6)):
        assert is_recording(front + content)


@pytest.mark.parametrize(
    "name",
    ["whole5s.mp3", "vbr_piped_30s.mp3", "vbr_without_xing_20s.mp3", "cut_half.mp3", "phone.aac",
     "recorder.wma", "phone_aac.m4a", "whole5s.opus", "fmt_w64.w64", "stream_sizes_zero.wav"],
)  # fmt: skip
def test_what_people_have_is_one(name: str):
    if not CASES.exists():
        pytest.skip("no recordings beside the checkout")
    assert is_recording((CASES / name).read_bytes())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"root:x:0:0:root:/root:/bin/bash\n",
        b"fLaC is how it begins\n",
        b"MAC addresses of the office:\r\n",
        b"caffeine\n",
        "Öl, äöü\n".encode(),
        b"\xff\xfe" + "secret".encode("utf-16-le"),
        b"\xff\xfb\x90\x00 but no second frame" + bytes(100),
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"PK\x03\x04" + bytes(100),
        b"\x7fELF\x02\x01\x01" + bytes(100),
        b"SQLite format 3\0" + bytes(100),
        b"RIFF\x24\x00\x00\x00WAVE" + bytes(100),
        bytes(5_000),
        b"\xff" * 5_000,
    ],
)
def test_something_else_is_none(content: bytes):
    assert not is_recording(content)


def test_programs_and_noise_are_none():
    program = Path(os.path.realpath(sys.executable)).read_bytes()
    assert not is_recording(program)
    noise = np.random.default_rng(0)
    assert not any(is_recording(noise.bytes(20_000)) for _ in range(50))
