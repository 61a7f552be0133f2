"""The clips of an EmbedStream that have no result yet: so many at most, sent again if it breaks."""

from collections.abc import Iterator, Sequence

from aloe.client.operations.chunks import group
from aloe.v1 import embedding_service_pb2 as pb

# Enough to keep a server's batches full while results travel back.
_MAX_CLIP_COUNT = 512
_MAX_BYTES = 16 * 1024 * 1024
MESSAGE_CLIP_COUNT = 32


class EmbedWindow:
    """Clips that were sent and have no result yet."""

    def __init__(self, encoder_id: str, fingerprint: str) -> None:
        self._encoder_id = encoder_id
        self._fingerprint = fingerprint
        self._clips: dict[int, pb.StreamedClip] = {}
        self._byte_count = 0

    @property
    def is_open(self) -> bool:
        """Whether more clips may be sent."""
        return len(self._clips) < _MAX_CLIP_COUNT and self._byte_count < _MAX_BYTES

    @property
    def is_empty(self) -> bool:
        """Whether every clip sent has its result."""
        return not self._clips

    def admit(self, clips: Sequence[pb.StreamedClip]) -> pb.EmbedStreamRequest:
        """Take clips in and return the message that sends them."""
        for clip in clips:
            self._clips[clip.sequence_number] = clip
            self._byte_count += clip.ByteSize()
        return self._request(clips)

    def resend(self) -> Iterator[pb.EmbedStreamRequest]:
        """Return the messages that a new stream begins with."""
        chunks = group(list(self._clips.values()), max_count=MESSAGE_CLIP_COUNT)
        return map(self._request, chunks)

    def settle(self, response: pb.EmbedStreamResponse) -> list[pb.StreamedEmbedding]:
        """Take results in and return those that are new."""
        fresh = []
        for result in response.results:
            clip = self._clips.pop(result.sequence_number, None)
            if clip is not None:
                self._byte_count -= clip.ByteSize()
                fresh.append(result)
        return fresh

    def _request(self, clips: Sequence[pb.StreamedClip]) -> pb.EmbedStreamRequest:
        return pb.EmbedStreamRequest(
            encoder_id=self._encoder_id, fingerprint=self._fingerprint, clips=clips
        )
