"""Finds out which length policy an encoder allows, by comparing raw with canonical clips."""

import logging
import time
from collections.abc import Callable, Iterator

import numpy as np

from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import InvalidAudio
from aloe.embedding.domain.length_policy import Exact, Grid, LengthPolicy, Trillsson

Embed = Callable[[Float32Array], Float32Array]
"""(n_clips, n_samples) float32 to (n_clips, embedding_dim) float32."""

CANDIDATES: tuple[LengthPolicy, ...] = (Grid(15_600, 7_680), Trillsson())
TOLERANCE = 1e-5
# In samples, 0.1 to 6 s at 16 kHz, in an order that refutes a wrong policy early.
_LENGTHS = (9_000, 40_000, 70_001, 16_001, 25_000, 1_600, 48_123, 33_000, 63_000, 95_999, 20_480)
_AMPLITUDES = (0.3, 0.001, 0.05)
# Samples beyond a canonical length: an encoder's own step may lie just past the policy's.
_PAST_STEP = (2, 1, 120, 300)
_MIN_EVIDENCE_COUNT = 8
_BUDGET_S = 4.0

_log = logging.getLogger(__name__)


def choose_length_policy(embed: Embed, stated: LengthPolicy | None = None) -> LengthPolicy:
    """Return the first policy under which canonical and raw clips have the same embedding.

    Args:
        embed: the encoder.
        stated: what its makers say; it only needs not to be refuted. Without it every candidate is
            tried, and must also be shown to work on enough lengths.

    Returns:
        A policy that holds within TOLERANCE of the embedding's scale; else `exact`.
    """
    if not _tells_clips_apart(embed):
        _log.warning("the encoder gives every clip the same embedding; length policy exact")
        return Exact()
    for policy in [stated] if stated else CANDIDATES:
        refutation = _refute(embed, policy, 0 if stated else _MIN_EVIDENCE_COUNT)
        if refutation is None:
            _log.info("length policy %s: raw and canonical clips embed alike", policy)
            return policy
        level = logging.WARNING if stated else logging.INFO
        _log.log(level, "length policy %s does not hold: %s", policy, refutation)
    _log.warning("length policy exact: only clips of equal length share a batch")
    return Exact()


def rows_are_independent(embed: Embed) -> bool:
    """Tell whether a clip has the same embedding alone and in a batch; else batches are useless."""
    rng = np.random.default_rng(1)
    batch = np.stack([_clip(rng, 32_000, amplitude) for amplitude in _AMPLITUDES])
    together = embed(batch)
    return all(_alike(embed(batch[row : row + 1])[0], together[row]) for row in range(len(batch)))


def _refute(embed: Embed, policy: LengthPolicy, min_evidence_count: int) -> str | None:
    """Say what refutes a policy; None if nothing does."""
    evidence_count = 0
    give_up = time.monotonic() + _BUDGET_S
    for clip in _clips(policy):
        # A slow encoder may take longer, until there is enough evidence.
        if time.monotonic() > give_up and evidence_count >= min_evidence_count:
            break
        try:
            raw = embed(clip[np.newaxis])[0]
        except InvalidAudio:  # too short for the bare encoder: says nothing about the policy
            continue
        if not np.isfinite(raw).all():  # too short as well: some encoders answer NaN
            continue
        canonical = policy.canonical(clip)
        if not _alike(raw, embed(canonical[np.newaxis])[0]):
            return f"{clip.size} samples embed otherwise than as {canonical.size}"
        evidence_count += canonical.size != clip.size
    if evidence_count < min_evidence_count:
        return f"only {evidence_count} lengths could be compared"
    return None


def _clips(policy: LengthPolicy) -> Iterator[Float32Array]:
    """Yield clips of many lengths and levels, those just past a step of the policy included."""
    rng = np.random.default_rng(0)
    for index, length in enumerate(_LENGTHS):
        amplitude = _AMPLITUDES[index % len(_AMPLITUDES)]
        yield _clip(rng, length, amplitude)
        past = _PAST_STEP[index % len(_PAST_STEP)]
        yield _clip(rng, policy.canonical_length(length) + past, amplitude)


def _clip(rng: np.random.Generator, length: int, amplitude: float) -> Float32Array:
    """Make noise over a tone that is loudest, or softest, at its very end."""
    tone = np.sin(2 * np.pi * rng.uniform(0.01, 0.2) * np.arange(length))
    first, last = rng.permutation([0.2, 1.0])
    envelope = amplitude * np.linspace(first, last, length)
    clip: Float32Array = (envelope * (tone + rng.normal(0, 0.3, length))).astype(np.float32)
    return clip


def _tells_clips_apart(embed: Embed) -> bool:
    rng = np.random.default_rng(2)
    first, second = embed(np.stack([_clip(rng, 32_000, 0.3) for _ in range(2)]))
    return bool(np.abs(first - second).max() > 100 * TOLERANCE * _scale(first))


def _alike(one: Float32Array, other: Float32Array) -> bool:
    return bool(np.abs(one - other).max() <= TOLERANCE * _scale(one))


def _scale(embedding: Float32Array) -> float:
    return max(1.0, float(np.abs(embedding).max()))
