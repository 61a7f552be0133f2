"""The port to a cache of embeddings that several servers share."""

from collections.abc import Sequence
from typing import Protocol

from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.ports.encoder import EncoderInfo


class SharedCache(Protocol):
    """Embeddings by content. It raises nothing and takes little time: out of reach, it is empty."""

    async def get(
        self, encoder: EncoderInfo, keys: Sequence[bytes]
    ) -> Sequence[Float32Array | None]:
        """Return the embedding of every clip, (embedding_dim,), or None where it is not known."""

    def put(self, encoder: EncoderInfo, key: bytes, embedding: Float32Array) -> None:
        """Remember an embedding, soon or never."""

    async def close(self) -> None:
        """Write what is left and end."""
