"""The port to a cache of embeddings that several servers share."""

from collections.abc import Sequence
from typing import Protocol

from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.ports.encoder import EncoderInfo


class SharedCache(Protocol):
    """Embeddings by content. Never raises and never takes long: out of reach, it acts as empty."""

    async def get(
        self, encoder: EncoderInfo, keys: Sequence[bytes]
    ) -> Sequence[Float32Array | None]:
        """Return the embedding of every clip, (embedding_dim,), or None where it is not known."""

    def put(self, encoder: EncoderInfo, key: bytes, embedding: Float32Array) -> None:
        """Remember an embedding, at some time soon. It may also be dropped."""

    async def close(self) -> None:
        """Write what has not been written yet, and disconnect."""
