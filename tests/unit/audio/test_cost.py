import random

import numpy as np
import pytest
from tests.audio_files import FFMPEG_KINDS, KINDS, SNDFILE_KINDS, made, speechlike

from aloe.audio.cost import cost_of, extent_of
from aloe.audio.decoder import Limits, decode
from aloe.values.audio import Decoding

STATED = ("wav", "wav8", "wav24", "wav32", "wavf", "wavd", "rf64", "flac", "flac24", "ogg")
NEARLY_STATED = ("opus", "mp3")
"""They count what the encoder added at the ends."""


def stereo(duration_s: float = 1.0) -> np.ndarray:
    return np.stack([speechlike(duration_s), speechlike(duration_s, seed=2)], axis=1)


@pytest.mark.parametrize("kind", STATED + NEARLY_STATED)
def test_a_header_tells_what_will_be_decoded(kind: str) -> None:
    content = made(kind, stereo(2.0))
    decoded = decode(content, Decoding(), Limits(60.0))
    extent = extent_of(content)
    assert extent.sample_rate_hz == decoded.report.sample_rate_hz
    assert extent.channel_count == decoded.report.channel_count == 2
    within = 0.06 if kind in NEARLY_STATED else 0.0
    assert extent.frame_count == pytest.approx(decoded.samples.size, rel=within)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(STATED) - set(NEARLY_STATED)))
def test_where_a_header_does_not_tell_the_size_makes_a_guess(kind: str) -> None:
    decoded = decode(made(kind, stereo(2.0)), Decoding(), Limits(60.0))
    extent = extent_of(made(kind, stereo(2.0)))
    duration_s = extent.frame_count / extent.sample_rate_hz
    assert 0.5 * decoded.duration_s < duration_s < 25 * decoded.duration_s


def test_flac_of_unknown_length_and_mp3_without_a_length_are_known_by_their_size() -> None:
    content = bytearray(made("flac", stereo()))
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    extent = extent_of(bytes(content))
    assert (extent.sample_rate_hz, extent.channel_count) == (16_000, 2)
    assert extent.frame_count > 16_000
    mp3 = made("mp3", stereo(4.0))
    without = extent_of(mp3.replace(b"Xing", bytes(4)).replace(b"Info", bytes(4)))
    assert without.frame_count / without.sample_rate_hz == pytest.approx(4.0, rel=1.5)
    tagged = b"ID3\3\0\0\0\0\1\0" + bytes(128) + mp3
    assert extent_of(tagged) == extent_of(mp3)


def test_wav_files_that_were_joined_count_together() -> None:
    one = made("wav", speechlike())
    assert extent_of(one * 5).frame_count >= 5 * 16_000


def test_small_files_that_hold_much_are_known_for_what_they_cost() -> None:
    content = made("flac", np.zeros((10 * 192_000, 8), np.int16), 192_000)
    assert len(content) < 20_000
    cost = cost_of(extent_of(content), rate_hz=16_000, max_clip_s=60.0)
    assert cost.sample_count >= 8 * 10 * 192_000
    assert cost.decoded_bytes == 4 * 10 * 16_000
    assert cost.working_bytes == 4 * 10 * 192_000


def test_nothing_is_counted_after_the_longest_clip() -> None:
    content = made("flac", np.zeros(16_000 * 600, np.int16))
    cost = cost_of(extent_of(content), rate_hz=16_000, max_clip_s=2.0)
    assert (cost.sample_count, cost.working_bytes) == (32_001, 0)
    assert cost.decoded_bytes == 4 * 32_001


def test_any_bytes_have_a_cost() -> None:
    rng = random.Random(1)
    files = [made(kind, stereo(0.2)) for kind in (*SNDFILE_KINDS, *FFMPEG_KINDS) if kind != "amr"]
    for _ in range(3_000):
        content = bytearray(rng.choice(files)[: rng.choice((0, 3, 20, 60, 4_000))])
        for _ in range(rng.randrange(8)):
            if content:
                content[rng.randrange(min(64, len(content)))] = rng.randrange(256)
        cost = cost_of(extent_of(bytes(content)), rate_hz=16_000, max_clip_s=60.0)
        assert min(cost.sample_count, cost.working_bytes, cost.decoded_bytes) >= 0
