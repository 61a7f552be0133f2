from pathlib import Path

import numpy as np
import pytest
from tests.audio_files import RATE_HZ, made, speechlike

from aloe.audio.cutting.cutter import cut
from aloe.audio.cutting.grid import Grid, GridPlan
from aloe.audio.decoder import Limits, decode
from aloe.audio.errors import BadAudio
from aloe.audio.excerpts import View
from aloe.audio.isolation import IsolatedDecoder
from aloe.audio.wav_writing import wav_of
from aloe.values.audio import ChannelRule, Decoding

LIMITS = Limits(600.0)
STEREO = np.stack([speechlike(30.0), speechlike(30.0, seed=2)], axis=1)


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder(1) as isolated:
        isolated.start()
        yield isolated


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wav", "rf64", "wav24", "flac", "flac24", "mp3", "opus", "m4a"])
@pytest.mark.parametrize("is_sought", [False, True])
def test_an_excerpt_is_what_the_stream_was_cut_into(
    decoder: IsolatedDecoder, kind: str, is_sought: bool, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(made(kind, STEREO))
    second = Decoding(ChannelRule.NUMBERED, 2)
    with decoder.stream(path, second, LIMITS) as stream:
        rate_hz = stream.sample_rate_hz
        plan = GridPlan(Grid.of(rate_hz, 5, "1.7"))
        windows = list(cut(stream.blocks(), plan))
    whole = decode(path.read_bytes(), second, LIMITS).samples
    for window in (windows[0], windows[7], windows[-1]):
        span = window.span
        view = View(span.first, span.end, rate_hz, 2 * rate_hz, is_sought)
        excerpt = decoder.excerpt(path, second, LIMITS, view)
        np.testing.assert_array_equal(excerpt.window, window.samples)
        first = max(0, span.first - rate_hz)
        assert (excerpt.first, excerpt.sample_rate_hz) == (first, rate_hz)
        np.testing.assert_array_equal(excerpt.samples, whole[first : span.end + 2 * rate_hz])


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
def test_a_window_behind_the_end_is_told(decoder: IsolatedDecoder, kind: str) -> None:
    content = made(kind, speechlike(2.0))
    with pytest.raises(BadAudio, match=r"it lasts 2\.\d+ s, and the window ends at 2\.500 s"):
        decoder.excerpt(content, Decoding(), LIMITS, View(0, 5 * RATE_HZ // 2, is_sought=True))


@pytest.mark.parametrize("is_sought", [False, True])
def test_damage_behind_a_window_does_not_matter_and_damage_within_is_told(
    decoder: IsolatedDecoder, is_sought: bool
) -> None:
    content = made("flac", speechlike(20.0))
    half = content[: len(content) // 2]
    whole = decode(content, Decoding(), LIMITS).samples
    view = View(2 * RATE_HZ, 5 * RATE_HZ, 0, 10 * RATE_HZ, is_sought)
    excerpt = decoder.excerpt(half, Decoding(), LIMITS, view)
    np.testing.assert_array_equal(excerpt.window, whole[2 * RATE_HZ : 5 * RATE_HZ])
    assert 5 * RATE_HZ < len(excerpt.samples) < 12 * RATE_HZ
    with pytest.raises(BadAudio, match="breaks off at"):
        decoder.excerpt(half, Decoding(), LIMITS, View(8 * RATE_HZ, 12 * RATE_HZ, 0, 0, is_sought))


def test_a_process_is_kept_for_the_next_excerpt(decoder: IsolatedDecoder) -> None:
    content = made("flac", speechlike(20.0))
    decoder.excerpt(content, Decoding(), LIMITS, View(0, 1_000))
    (process,) = decoder._running
    for first in (0, 100_000):
        decoder.excerpt(content, Decoding(), LIMITS, View(first, first + 1_000, 10, 10))
    assert decoder._running == {process}


@pytest.mark.parametrize(
    "samples",
    [
        speechlike(0.1),
        np.round(speechlike(0.1) * 32_768) / np.float32(32_768),
        np.array([-1.0, 32_767 / 32_768], np.float32),
        np.array([1.0], np.float32),
        np.array([3.5, -1e-9], np.float32),
    ],
)
def test_what_is_written_as_a_wav_file_is_read_as_it_was(samples: np.ndarray) -> None:
    content = wav_of(samples, RATE_HZ)
    assert content == wav_of(samples, RATE_HZ)
    decoded = decode(content, Decoding(), LIMITS)
    np.testing.assert_array_equal(decoded.samples, samples)
    assert decoded.report.sample_rate_hz == RATE_HZ
    is_16_bit = bool((samples * 32_768 == np.rint(samples * 32_768)).all() and samples.max() < 1)
    assert len(content) == (44 + 2 * len(samples) if is_16_bit else 56 + 4 * len(samples))
