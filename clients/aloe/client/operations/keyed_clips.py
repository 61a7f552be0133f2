"""Numbers clips on their way out, and finds the caller's key for each result."""

from collections.abc import Iterable, Iterator

from aloe.client.calls.translate import error_of_status, failure_of_error
from aloe.client.errors import AloeError, InvalidArgument
from aloe.client.operations.audio import encode_audio
from aloe.client.types import Audio, EmbeddedClip
from aloe.v1 import embedding_service_pb2 as pb
from aloe.wire.arrays import decode_vector
from aloe.wire.audio import read_report


class KeyedClips:
    """Remembers which number stands for which key."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._next_number = 0
        self._keys: dict[int, str] = {}
        self._unread: list[EmbeddedClip] = []

    def encode(self, clips: Iterable[tuple[str, Audio]]) -> Iterator[pb.StreamedClip]:
        """Number clips, reading their files; one that cannot be read is kept for take_unread."""
        for key, audio in clips:
            try:
                message = encode_audio(audio, field="audio", max_bytes=self._max_bytes)
            except InvalidArgument as error:
                self._unread.append(_failed(key, error))
                continue
            number = self._next_number
            self._next_number += 1
            self._keys[number] = key
            yield pb.StreamedClip(sequence_number=number, audio=message)

    def take_unread(self) -> list[EmbeddedClip]:
        """Return the clips that could not be read since the last call."""
        unread, self._unread = self._unread, []
        return unread

    def parse(self, result: pb.StreamedEmbedding) -> EmbeddedClip:
        """Read the result of a clip."""
        key = self._keys.pop(result.sequence_number)
        if result.WhichOneof("result") == "error":
            return _failed(key, error_of_status(result.error))
        return EmbeddedClip(
            key=key,
            embedding=decode_vector(result.embedding),
            duration=result.duration.ToTimedelta(),
            failure=None,
            report=read_report(result.report),
        )


def _failed(key: str, error: AloeError) -> EmbeddedClip:
    return EmbeddedClip(
        key=key, embedding=None, duration=None, failure=failure_of_error(key, error)
    )
