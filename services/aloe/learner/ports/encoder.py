"""What makes embeddings of recordings."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.errors import InvalidInput, LearnerError
from aloe.learner.domain.pool import Audio, EncoderInfo
from aloe.values.audio import NOTHING_FOUND, AudioReport


@dataclass(frozen=True, slots=True)
class EmbeddedAudio:
    """What the encoder made of one recording."""

    embedding: Float32Array
    """(embedding_dim,) float32"""
    duration_s: float
    report: AudioReport = NOTHING_FOUND
    """What was found in decoding it."""


class EncoderPort(Protocol):
    """Makes embeddings of audio, as the embedding service does.

    Methods raise EncoderUnavailable while it cannot be reached, Overloaded when it is full,
    EncoderNotFound and EncoderMismatch.
    """

    async def describe(self, encoder_id: str) -> EncoderInfo:
        """Describe an encoder; an empty id means the default one."""

    async def embed(
        self, encoder: EncoderInfo, recordings: Sequence[Audio]
    ) -> Sequence[EmbeddedAudio | InvalidInput]:
        """Embed some recordings for a caller who waits, ahead of streams.

        What is wrong with one recording is its result; what is wrong with all is raised.
        """

    def embed_stream(
        self, encoder: EncoderInfo, recordings: AsyncIterator[tuple[int, Audio]]
    ) -> AsyncIterator[tuple[int, EmbeddedAudio | LearnerError]]:
        """Embed any number of numbered recordings; results come as they are ready, in any order.

        What is wrong with one recording is its result; what is wrong with all is raised.
        """
