"""The encoders of one server, by name."""

from collections.abc import Sequence

from aloe.embedding.embedder import Embedder
from aloe.embedding.errors import EncoderMismatch, EncoderNotFound


class Catalog:
    """Finds encoders. Immutable."""

    def __init__(self, embedders: Sequence[Embedder]) -> None:
        """Take at least one embedder; the first is the default."""
        self._embedders = {embedder.info.encoder_id: embedder for embedder in embedders}
        self._default_id = embedders[0].info.encoder_id

    def find(self, encoder_id: str, fingerprint: str = "") -> Embedder:
        """Return the encoder of that name; empty means the default one.

        Raises:
            EncoderNotFound: there is none.
            EncoderMismatch: a fingerprint is given, and the encoder's is another.
        """
        embedder = self._embedders.get(encoder_id or self._default_id)
        if embedder is None:
            raise EncoderNotFound(
                f"no encoder is called {encoder_id!r}; this server hosts"
                f" {', '.join(self._embedders)}"
            )
        info = embedder.info
        if fingerprint and fingerprint != info.fingerprint:
            raise EncoderMismatch(
                f"encoder {info.encoder_id} has the fingerprint {info.fingerprint}, not"
                f" {fingerprint}, so its embeddings cannot be compared with those you expect"
            )
        return embedder

    def all(self) -> list[Embedder]:
        """Return every encoder, the default one first."""
        return list(self._embedders.values())
