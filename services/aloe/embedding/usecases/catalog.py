"""The encoders of one server, by name, some of them not loaded yet."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aloe.embedding.domain.errors import EncoderMismatch, EncoderNotFound
from aloe.embedding.usecases.embedder import Embedder


@dataclass(slots=True, eq=False)
class LazyEmbedder:
    """An embedder that is made when it is first asked for. For one event loop."""

    encoder_id: str
    max_clip_s: float
    make: Callable[[], Awaitable[Embedder]]
    """Loads it, or raises EncoderNotLoaded; then the next caller makes it try again."""
    _made: Embedder | None = None
    _making: asyncio.Future[Embedder] | None = None

    @property
    def made(self) -> Embedder | None:
        """The embedder; None before it is loaded."""
        return self._made

    async def get(self) -> Embedder:
        """Return the embedder; all callers that ask while it loads wait for the same one."""
        if self._made is None:
            if self._making is None:
                self._making = asyncio.ensure_future(self.make())
                self._making.add_done_callback(self._end)
            # Shielded: one caller that gives up must not cancel it for the others.
            return await asyncio.shield(self._making)
        return self._made

    def _end(self, making: asyncio.Future[Embedder]) -> None:
        self._making = None
        if not making.cancelled() and making.exception() is None:
            self._made = making.result()


class Catalog:
    """Finds encoders."""

    def __init__(self, embedders: Sequence[Embedder | LazyEmbedder]) -> None:
        """Take at least one embedder; the first is the default."""
        self._embedders = {embedder.encoder_id: embedder for embedder in embedders}
        self._default_id = embedders[0].encoder_id

    async def find(self, encoder_id: str, fingerprint: str = "") -> Embedder:
        """Return the encoder of that name, loaded; empty means the default one.

        Raises:
            EncoderNotFound: there is none.
            EncoderNotLoaded: it was to be loaded now, and cannot be.
            EncoderMismatch: a fingerprint is given, and the encoder's is another.
        """
        embedder = self._embedders.get(encoder_id or self._default_id)
        if embedder is None:
            raise EncoderNotFound(
                f"no encoder is called {encoder_id!r}; this server hosts"
                f" {', '.join(self._embedders)}"
            )
        if isinstance(embedder, LazyEmbedder):
            embedder = await embedder.get()
        info = embedder.info
        if fingerprint and fingerprint != info.fingerprint:
            raise EncoderMismatch(
                f"encoder {info.encoder_id} has the fingerprint {info.fingerprint}, not"
                f" {fingerprint}, so its embeddings cannot be compared with those you expect"
            )
        return embedder

    def all(self) -> list[Embedder | LazyEmbedder]:
        """Return every encoder, the default one first: an Embedder if it is loaded."""
        return [
            (embedder.made or embedder) if isinstance(embedder, LazyEmbedder) else embedder
            for embedder in self._embedders.values()
        ]
