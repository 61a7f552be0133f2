"""Protobuf to the service's own values, and back."""

from collections.abc import Sequence

from google.protobuf import duration_pb2

from aloe.embedding.audio.clip import Audio, EncodedAudio, MalformedAudio, PcmAudio, SampleFormat
from aloe.embedding.ports.encoder import EncoderInfo
from aloe.embedding.rpc.statuses import status_of
from aloe.embedding.usecases.bulk import NumberedAudio, NumberedResult
from aloe.embedding.usecases.catalog import LazyEmbedder
from aloe.embedding.usecases.embedder import EmbeddedClip, EmbeddedRequest
from aloe.serving.status import status_of_anything
from aloe.v1 import audio_pb2, embedding_service_pb2
from aloe.wire import arrays
from aloe.wire.audio import read_decoding, write_report
from aloe.wire.errors import MalformedValue

_FORMATS = {
    audio_pb2.SAMPLE_FORMAT_INT16: SampleFormat.INT16,
    audio_pb2.SAMPLE_FORMAT_FLOAT32: SampleFormat.FLOAT32,
}


def audio(message: audio_pb2.Audio) -> Audio:
    """Read one clip; the decoder will say what is missing in it."""
    try:
        decoding = read_decoding(message.decoding, "decoding")
    except MalformedValue as error:
        return MalformedAudio(error.field, error.description)
    if message.WhichOneof("content") != "pcm":
        return EncodedAudio(message.encoded, decoding)
    pcm = message.pcm
    return PcmAudio(
        samples=pcm.samples,
        sample_format=_FORMATS.get(pcm.sample_format),
        sample_rate_hz=pcm.sample_rate_hz,
        channel_count=pcm.channel_count or 1,
        decoding=decoding,
    )


def audios(messages: Sequence[audio_pb2.Audio]) -> list[Audio]:
    return [audio(message) for message in messages]


def numbered_audios(
    message: embedding_service_pb2.EmbedStreamRequest,
) -> list[NumberedAudio]:
    return [NumberedAudio(clip.sequence_number, audio(clip.audio)) for clip in message.clips]


def encoder(info: EncoderInfo) -> embedding_service_pb2.Encoder:
    return embedding_service_pb2.Encoder(
        encoder_id=info.encoder_id,
        fingerprint=info.fingerprint,
        embedding_dim=info.embedding_dim,
        sample_rate_hz=info.sample_rate_hz,
        length_policy=str(info.length_policy),
        max_clip_duration=_duration(info.max_clip_s),
    )


def unloaded_encoder(lazy: LazyEmbedder) -> embedding_service_pb2.Encoder:
    """Write what is known of an encoder before it is loaded."""
    return embedding_service_pb2.Encoder(
        encoder_id=lazy.encoder_id, max_clip_duration=_duration(lazy.max_clip_s)
    )


def embed_response(
    clips: Sequence[EmbeddedClip], info: EncoderInfo
) -> embedding_service_pb2.EmbedResponse:
    return embedding_service_pb2.EmbedResponse(
        embeddings=audio_pb2.FloatMatrix(
            values=b"".join(arrays.encode_vector(clip.embedding) for clip in clips),
            row_count=len(clips),
            column_count=info.embedding_dim,
        ),
        fingerprint=info.fingerprint,
        durations=[_duration(clip.duration_s) for clip in clips],
        reports=[write_report(clip.report) for clip in clips],
    )


def server_timing(request: EmbeddedRequest) -> str:
    """Write where a call's time went, in milliseconds, as the Server-Timing header does."""
    parts = {
        "decode": request.decode_s,
        "queue": request.queue_s,
        "inference": request.inference_s,
    }
    return ", ".join(f"{name};dur={seconds * 1e3:.3f}" for name, seconds in parts.items())


def stream_response(
    results: Sequence[NumberedResult],
) -> embedding_service_pb2.EmbedStreamResponse:
    return embedding_service_pb2.EmbedStreamResponse(
        results=[_streamed_embedding(result) for result in results]
    )


def _streamed_embedding(result: NumberedResult) -> embedding_service_pb2.StreamedEmbedding:
    if isinstance(result.result, EmbeddedClip):
        return embedding_service_pb2.StreamedEmbedding(
            sequence_number=result.sequence_number,
            embedding=arrays.encode_vector(result.result.embedding),
            duration=_duration(result.result.duration_s),
            report=write_report(result.result.report),
        )
    status = status_of_anything(result.result, status_of)
    return embedding_service_pb2.StreamedEmbedding(
        sequence_number=result.sequence_number, error=status.to_proto()
    )


def _duration(seconds: float) -> duration_pb2.Duration:
    whole, fraction = divmod(round(seconds * 1e9), 10**9)
    return duration_pb2.Duration(seconds=whole, nanos=fraction)
