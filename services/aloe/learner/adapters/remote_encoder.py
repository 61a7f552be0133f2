"""The encoder, reached through the embedding service. Audio is passed on undecoded."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from aloe.client import AsyncEmbeddingClient
from aloe.client import errors as client_errors
from aloe.client.asyncio.embed_stream import embed_batches
from aloe.client.calls.translate import error_of_status
from aloe.client.operations import encoders
from aloe.learner.domain.errors import (
    EncoderMismatch,
    EncoderNotFound,
    EncoderUnavailable,
    InvalidInput,
    LearnerError,
    Overloaded,
    Violation,
)
from aloe.learner.domain.pool import Audio, EncodedAudio, EncoderInfo
from aloe.learner.ports.encoder import EmbeddedAudio
from aloe.v1 import audio_pb2
from aloe.v1 import embedding_service_pb2 as pb
from aloe.wire.arrays import decode_vector
from aloe.wire.audio import read_report, write_decoding

PATIENCE = timedelta(seconds=20)
"""How long the embedding service may be away before a call fails."""
_FORMATS = {
    "int16": audio_pb2.SAMPLE_FORMAT_INT16,
    "float32": audio_pb2.SAMPLE_FORMAT_FLOAT32,
}


class RemoteEncoder:
    """An EncoderPort that calls an embedding service."""

    def __init__(self, client: AsyncEmbeddingClient) -> None:
        self._client = client

    async def describe(self, encoder_id: str) -> EncoderInfo:
        try:
            encoder = await self._client.get_encoder(encoder_id, timeout=PATIENCE)
        except client_errors.AloeError as error:
            raise _domain_error(error) from error
        return EncoderInfo(encoder.encoder_id, encoder.fingerprint, encoder.embedding_dim)

    async def embed(
        self, encoder: EncoderInfo, recordings: Sequence[Audio]
    ) -> Sequence[EmbeddedAudio | InvalidInput]:
        # Embed answers ahead of streams and says at once when the queue is full, but it is all or
        # nothing. A stream then tells which recordings are at fault.
        try:
            embeddings = await self._client.runner.run(
                encoders.embed(
                    [_message(audio) for audio in recordings],
                    encoder_id=encoder.encoder_id,
                    fingerprint=encoder.fingerprint,
                ),
                PATIENCE,
            )
        except client_errors.InvalidArgument:
            return await self._embed_each(encoder, recordings)
        except client_errors.AloeError as error:
            raise _domain_error(error) from error
        durations_s = (each.total_seconds() for each in embeddings.durations)
        results = zip(embeddings.values, durations_s, embeddings.reports, strict=True)
        return [EmbeddedAudio(*each) for each in results]

    async def _embed_each(
        self, encoder: EncoderInfo, recordings: Sequence[Audio]
    ) -> Sequence[EmbeddedAudio | InvalidInput]:
        found: dict[int, EmbeddedAudio | InvalidInput] = {}
        async for number, outcome in self.embed_stream(encoder, _numbered(recordings)):
            if not isinstance(outcome, EmbeddedAudio | InvalidInput):
                raise outcome
            found[number] = outcome
        return [found[number] for number in range(len(recordings))]

    async def embed_stream(
        self, encoder: EncoderInfo, recordings: AsyncIterator[tuple[int, Audio]]
    ) -> AsyncIterator[tuple[int, EmbeddedAudio | LearnerError]]:
        try:
            async for results in embed_batches(
                self._client.runner,
                _messages(recordings),
                encoder_id=encoder.encoder_id,
                fingerprint=encoder.fingerprint,
                timeout=PATIENCE,
            ):
                for result in results:
                    yield result.sequence_number, _outcome(result)
        except client_errors.AloeError as error:
            raise _domain_error(error) from error


async def _numbered(recordings: Sequence[Audio]) -> AsyncIterator[tuple[int, Audio]]:
    for numbered in enumerate(recordings):
        yield numbered


async def _messages(
    recordings: AsyncIterator[tuple[int, Audio]],
) -> AsyncIterator[Sequence[pb.StreamedClip]]:
    async for number, audio in recordings:
        yield [pb.StreamedClip(sequence_number=number, audio=_message(audio))]


def _message(audio: Audio) -> audio_pb2.Audio:
    decoding = write_decoding(audio.decoding)
    if isinstance(audio, EncodedAudio):
        return audio_pb2.Audio(encoded=audio.content, decoding=decoding)
    return audio_pb2.Audio(
        decoding=decoding,
        pcm=audio_pb2.Pcm(
            sample_rate_hz=audio.sample_rate_hz,
            sample_format=_FORMATS.get(audio.sample_format, audio_pb2.SAMPLE_FORMAT_UNSPECIFIED),
            channel_count=audio.channel_count,
            samples=audio.samples,
        ),
    )


def _outcome(result: pb.StreamedEmbedding) -> EmbeddedAudio | LearnerError:
    if result.WhichOneof("result") == "embedding":
        embedding = decode_vector(result.embedding)
        duration_s = result.duration.ToTimedelta().total_seconds()
        return EmbeddedAudio(embedding, duration_s, read_report(result.report))
    return _domain_error(error_of_status(result.error))


def _domain_error(error: client_errors.AloeError) -> LearnerError:
    match error:
        case client_errors.InvalidArgument():
            return InvalidInput(*(Violation(v.field, v.description) for v in error.violations))
        case client_errors.EncoderMismatch():
            return EncoderMismatch(error.message)
        case client_errors.NotFound():
            return EncoderNotFound(error.message)
        case client_errors.Overloaded():
            retry_after = error.retry_after or timedelta(seconds=1)
            return Overloaded(error.message, retry_after.total_seconds())
        case _:
            return EncoderUnavailable(f"the embedding service: {error}")
