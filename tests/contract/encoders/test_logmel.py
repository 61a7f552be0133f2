import numpy as np
import pytest

from aloe.embedding.adapters.logmel import LogmelEncoder
from aloe.embedding.domain.arrays import Float32Array

RATE_HZ = 16_000
BANDS = 64
LEVEL = BANDS
TREND = slice(BANDS + 1, 2 * BANDS + 1)


@pytest.fixture(scope="module")
def logmel() -> LogmelEncoder:
    return LogmelEncoder(max_clip_s=60)


def embed(logmel: LogmelEncoder, clip: Float32Array) -> Float32Array:
    rows = logmel.embed(logmel.info.length_policy.canonical(clip)[np.newaxis])
    return rows.reshape(-1)


def sweep(first_hz: float, last_hz: float, amplitude: float = 0.3) -> Float32Array:
    times = np.arange(RATE_HZ) / RATE_HZ
    cycles = first_hz * times + (last_hz - first_hz) * times**2 / 2
    return (amplitude * np.sin(2 * np.pi * cycles)).astype(np.float32)


@pytest.mark.parametrize("amplitude", [0.0, 1e-6, 1.0])
@pytest.mark.parametrize("length", [1, 399, 400, 560, 720, 16_000, 16_159])
def test_silence_noise_and_full_scale_stay_bounded_at_any_length(
    logmel: LogmelEncoder, amplitude: float, length: int
) -> None:
    noise = np.random.default_rng(0).uniform(-amplitude, amplitude, length).astype(np.float32)
    embedding = embed(logmel, noise)
    assert np.isfinite(embedding).all()
    assert np.abs(embedding).max() < 10


def test_a_rising_tone_is_the_mirror_of_a_falling_one(logmel: LogmelEncoder) -> None:
    rising, falling = embed(logmel, sweep(200, 2_000)), embed(logmel, sweep(2_000, 200))
    low, high = slice(TREND.start, TREND.start + 12), slice(TREND.start + 22, TREND.start + 32)
    assert rising[low].mean() < -0.5 < 0.5 < rising[high].mean()
    np.testing.assert_allclose(rising[TREND], -falling[TREND], atol=0.3)


def test_loudness_moves_the_level_and_hardly_the_rest(logmel: LogmelEncoder) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, RATE_HZ).astype(np.float32)
    soft, loud = embed(logmel, noise), embed(logmel, 4 * noise)
    # 16 times the power is 2.77 more in every log; the level counts in thirds of that.
    assert loud[LEVEL] - soft[LEVEL] == pytest.approx(np.log(16) / 3, abs=0.02)
    assert np.abs(np.delete(loud - soft, LEVEL)).max() < 0.05
