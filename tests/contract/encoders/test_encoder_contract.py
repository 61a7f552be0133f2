"""What every encoder behind the port must do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aloe.embedding.adapters.loading import EncoderSource, load_encoder
from aloe.embedding.ports.encoder import Encoder

KINDS = [
    "logmel",
    "like_yamnet",
    "like_trillsson",
    "like_trill",
    "one_clip_at_a_time",
    "like_frill",
    "tensor_output",
    "signature_only",
    "batch_dependent",
    pytest.param("yamnet", id="real yamnet"),
]


@pytest.fixture(scope="module", params=KINDS)
def encoder(request: pytest.FixtureRequest, saved_model: Callable[[str], Path]) -> Encoder:
    if request.param == "logmel":
        location = "logmel"
    elif request.param == "yamnet":
        location = str(request.getfixturevalue("yamnet_folder"))
    else:
        location = str(saved_model(request.param))
    return load_encoder(EncoderSource(location, max_clip_s=60))


def noise(row_count: int, sample_count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, (row_count, sample_count)).astype(np.float32)


@pytest.fixture
def lengths(encoder: Encoder) -> list[int]:
    """Lengths that the encoder takes, on and beside the steps of its policy."""
    shortest = 16_000
    return [encoder.info.length_policy.canonical_length(shortest + n) for n in (0, 7_000, 50_001)]


def test_embeddings_have_the_stated_shape_and_are_float32(
    encoder: Encoder, lengths: list[int]
) -> None:
    rows = encoder.embed(noise(3, lengths[0]))
    assert rows.shape == (3, encoder.info.embedding_dim)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("row_count", [2, 5, 8])
def test_a_clip_embeds_alike_alone_and_in_any_batch(
    encoder: Encoder, lengths: list[int], row_count: int
) -> None:
    for length in lengths:
        batch = noise(row_count, length)
        together = encoder.embed(batch)
        scale = max(1.0, np.abs(together).max())
        for row in range(row_count):
            alone = encoder.embed(batch[row : row + 1])[0]
            np.testing.assert_allclose(alone, together[row], rtol=0, atol=1e-5 * scale)


def test_rows_come_back_in_the_order_of_the_clips(encoder: Encoder, lengths: list[int]) -> None:
    batch = noise(4, lengths[0])
    backwards = encoder.embed(batch[::-1].copy())
    np.testing.assert_allclose(encoder.embed(batch), backwards[::-1], rtol=0, atol=1e-4)


def test_raw_and_canonical_clips_embed_alike(encoder: Encoder) -> None:
    policy = encoder.info.length_policy
    for length in (16_000, 17_777, 32_001, 46_321, 70_000):
        clip = noise(1, length)[0]
        raw = encoder.embed(clip[np.newaxis])[0]
        canonical = encoder.embed(policy.canonical(clip)[np.newaxis])[0]
        scale = max(1.0, np.abs(raw).max())
        np.testing.assert_allclose(raw, canonical, rtol=0, atol=1e-5 * scale)


def test_different_clips_embed_differently(encoder: Encoder, lengths: list[int]) -> None:
    first, second = encoder.embed(noise(2, lengths[0]))
    assert np.abs(first - second).max() > 1e-4
