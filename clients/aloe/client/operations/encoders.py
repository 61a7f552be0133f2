"""Encoders and embeddings."""

from collections.abc import Sequence

from aloe.client import types
from aloe.client.operations.audio import encode_audio
from aloe.client.operations.operation import Operation
from aloe.v1 import audio_pb2
from aloe.v1 import embedding_service_pb2 as pb
from aloe.wire.arrays import decode_matrix
from aloe.wire.audio import read_report


def get_encoder(encoder_id: str) -> Operation[types.Encoder]:
    return Operation(
        "GetEncoder",
        pb.GetEncoderRequest(encoder_id=encoder_id),
        lambda response: _parse_encoder(response.encoder),
    )


def list_encoders() -> Operation[tuple[types.Encoder, ...]]:
    return Operation(
        "ListEncoders",
        pb.ListEncodersRequest(),
        lambda response: tuple(map(_parse_encoder, response.encoders)),
    )


def encode_clips(clips: Sequence[types.Audio], max_bytes: int) -> list[audio_pb2.Audio]:
    """Raises InvalidArgument where one cannot be read."""
    return [
        encode_audio(clip, field=f"clips[{index}]", max_bytes=max_bytes)
        for index, clip in enumerate(clips)
    ]


def embed(
    clips: Sequence[audio_pb2.Audio], *, encoder_id: str, fingerprint: str
) -> Operation[types.Embeddings]:
    return Operation(
        "Embed",
        pb.EmbedRequest(encoder_id=encoder_id, fingerprint=fingerprint, clips=clips),
        _parse_embeddings,
    )


def _parse_encoder(message: pb.Encoder) -> types.Encoder:
    return types.Encoder(
        encoder_id=message.encoder_id,
        fingerprint=message.fingerprint,
        embedding_dim=message.embedding_dim,
        sample_rate_hz=message.sample_rate_hz,
        length_policy=message.length_policy,
        max_clip_duration=message.max_clip_duration.ToTimedelta(),
    )


def _parse_embeddings(message: pb.EmbedResponse) -> types.Embeddings:
    return types.Embeddings(
        values=decode_matrix(message.embeddings),
        fingerprint=message.fingerprint,
        durations=tuple(duration.ToTimedelta() for duration in message.durations),
        reports=tuple(map(read_report, message.reports)),
    )
