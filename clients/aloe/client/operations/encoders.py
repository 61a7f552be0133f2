"""Encoders and embeddings."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np

from aloe.client import types
from aloe.client.errors import EncoderMismatch
from aloe.client.operations.audio import encode_audio
from aloe.client.operations.chunks import AUDIO_BYTES, AUDIO_COUNT, Sized, group_sized
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


def embed(
    clips: Sequence[audio_pb2.Audio],
    *,
    encoder_id: str,
    fingerprint: str,
    places: Sequence[int] | None = None,
) -> Operation[types.Embeddings]:
    """Embed a few clips, all or none."""
    return Operation(
        "Embed",
        pb.EmbedRequest(encoder_id=encoder_id, fingerprint=fingerprint, clips=clips),
        _parse_embeddings,
        places,
    )


class EmbedRun:
    """Clips embedded in calls, one after the other, and what has come of it so far."""

    def __init__(
        self,
        clips: Sequence[types.Audio],
        *,
        encoder_id: str,
        fingerprint: str,
        max_clip_bytes: int,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Take clips, any number of them; they are read as they are needed."""
        self._clips, self._max_clip_bytes = clips, max_clip_bytes
        self._encoder_id, self._fingerprint = encoder_id, fingerprint
        self._on_progress = on_progress
        self._parts: list[types.Embeddings] = []

    def operations(self) -> Iterator[Operation[types.Embeddings]]:
        """Yield the calls. Raises InvalidArgument where a clip cannot be read."""
        max_bytes = min(AUDIO_BYTES, self._max_clip_bytes)
        for chunk in group_sized(self._read(), max_count=AUDIO_COUNT, max_bytes=max_bytes):
            yield self._operation(chunk)
        if not self._clips:  # The server says what is missing.
            yield self._operation([])

    def add(self, part: types.Embeddings) -> None:
        """Take note of the embeddings of the next clips.

        Raises:
            EncoderMismatch: another encoder made them than those before.
        """
        if self._parts and part.fingerprint != self._parts[0].fingerprint:
            raise EncoderMismatch(
                "the encoder became another meanwhile; embed again",
                code="FAILED_PRECONDITION",
                reason="ENCODER_MISMATCH",
            )
        self._parts.append(part)
        if self._on_progress is not None:
            self._on_progress(sum(len(each.durations) for each in self._parts))

    def finish(self) -> types.Embeddings:
        """Return the embeddings of all clips."""
        first, *others = self._parts
        if not others:
            return first
        return types.Embeddings(
            values=np.concatenate([each.values for each in self._parts]),
            fingerprint=first.fingerprint,
            durations=tuple(chain.from_iterable(each.durations for each in self._parts)),
            reports=tuple(chain.from_iterable(each.reports for each in self._parts)),
        )

    def _read(self) -> Iterator[Sized[audio_pb2.Audio]]:
        for place, clip in enumerate(self._clips):
            message = encode_audio(clip, field=f"clips[{place}]", max_bytes=self._max_clip_bytes)
            yield Sized(place, message, message.ByteSize())

    def _operation(self, chunk: Sequence[Sized[audio_pb2.Audio]]) -> Operation[types.Embeddings]:
        return embed(
            [each.item for each in chunk],
            encoder_id=self._encoder_id,
            fingerprint=self._fingerprint,
            places=[each.place for each in chunk],
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
