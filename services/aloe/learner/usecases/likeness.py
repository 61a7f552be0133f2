"""How alike the clips of a pool are to an example: a clip, a sound or an embedding."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from aloe.admission.gate import not_working
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.clips import found_clips
from aloe.learner.cache.pools import PoolCache
from aloe.learner.domain.arrays import BoolArray, Float32Array, IntArray
from aloe.learner.domain.errors import EncoderMismatch, InvalidInput, PoolNotFound, Violation
from aloe.learner.domain.judging import all_in_range
from aloe.learner.domain.pool import RANGE_RULE, Audio, NamedClip, Pool
from aloe.learner.domain.similarity import Comparison, most_similar
from aloe.learner.ports.encoder import EncoderPort
from aloe.learner.ports.store import Store
from aloe.learner.usecases.settling import is_of
from aloe.values.audio import NOTHING_FOUND, AudioReport
from aloe.values.similarities import Similarity

_QUICK_COUNT = 131_072
"""Of so many the highest are found in less time than another thread takes to begin under load."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenEmbedding:
    """An embedding, and what made it."""

    vector: Float32Array
    """(n,) float32, of whatever length the caller sent"""
    fingerprint: str
    """Empty for the pool's encoder."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """What clips are to be like."""

    content: NamedClip | Audio | GivenEmbedding
    similarity: Similarity


@dataclass(frozen=True, slots=True, eq=False)
class KnownExample:
    """An example whose embedding is known."""

    vector: Float32Array
    """(embedding_dim,) float32"""
    similarity: Similarity
    pool_epoch: str
    """Of the pool that it is for."""
    content_hash: str = ""
    """Of a clip of the pool, which is not compared with itself."""
    row: int = -1
    report: AudioReport = NOTHING_FOUND
    """What was found in its sound."""

    def leave_out(self, pool: CachedPool, taken: BoolArray) -> None:
        """Take the example itself, if it is a clip of the pool, out of some rows."""
        if 0 <= self.row < len(taken) and is_of(pool, self.row, self.content_hash):
            taken[self.row] = False


class Likeness:
    """Finds embeddings of examples, and compares them with the clips of a pool."""

    def __init__(self, store: Store, pools: PoolCache, encoder: EncoderPort) -> None:
        self._store, self._pools, self._encoder = store, pools, encoder

    async def known(self, pool_id: str, example: Example, field: str) -> KnownExample:
        """Return the embedding of an example by a pool's encoder.

        Args:
            pool_id: the pool.
            example: what clips are to be like.
            field: of the request, which is blamed.

        Raises:
            PoolNotFound: there is no such pool, or that of the clip.
            ClipNotFound: there is no such clip.
            EncoderMismatch: it is of another encoder, or the embedding service has another.
            InvalidInput: it cannot be heard, is of the wrong size or has no direction.
        """
        pool = await self._store.read_pool(pool_id)
        match example.content:
            case NamedClip():
                known = await self._clip(pool, example.content, example.similarity)
            case GivenEmbedding():
                _check_given(pool, example.content, field)
                known = KnownExample(example.content.vector, example.similarity, pool.epoch)
            case _:
                known = await self._sound(pool, example.content, example.similarity, field)
        if known.similarity is Similarity.COSINE and not np.any(known.vector):
            raise InvalidInput.of(field, "its embedding has no length, and so no cosine; use DOT")
        return known

    async def _clip(self, pool: Pool, name: NamedClip, similarity: Similarity) -> KnownExample:
        is_own = name.pool_id == pool.pool_id
        before = pool if is_own else await self._store.read_pool(name.pool_id)
        (found,) = await found_clips(self._store, name.pool_id, [name.clip_id])
        of_clip = await self._store.read_pool(name.pool_id)
        _check_same(of_clip, before.epoch)
        _check_encoder(pool, of_clip.encoder.fingerprint, f"pools/{name.pool_id}")
        (vector,) = await self._store.read_vectors(of_clip, found.row, 1)
        _check_dim(pool, vector, f"pools/{name.pool_id}")
        row = found.row if is_own else -1
        return KnownExample(vector, similarity, pool.epoch, found.content_hash, row)

    async def _sound(
        self, pool: Pool, sound: Audio, similarity: Similarity, field: str
    ) -> KnownExample:
        async with not_working():  # The embedding service has its own turns.
            (made,) = await self._encoder.embed(pool.encoder, [sound])
        if isinstance(made, InvalidInput):
            raise InvalidInput(
                *(Violation(f"{field}.audio", each.description) for each in made.violations)
            )
        _check_dim(pool, made.embedding, "the encoder")
        return KnownExample(made.embedding, similarity, pool.epoch, report=made.report)

    async def most_alike(
        self, pool: CachedPool, example: KnownExample, rows: IntArray, count: int
    ) -> tuple[IntArray, Float32Array]:
        """Return the rows that are most like an example, the most alike first, and how much so.

        Args:
            pool: the pool.
            example: by the pool's encoder.
            rows: (n,) int64, ascending.
            count: at most so many.

        Returns:
            (at most count,) int64 and float32

        Raises:
            PoolNotFound: the pool that the example is for was deleted, and another one made.
            StoreWentBack: the pool is not of the store's past; a fresh one is.
        """
        _check_same(pool.pool, example.pool_epoch)
        similarities = await self._of_rows(pool, example, rows)
        work = partial(most_similar, similarities, count)
        places = work() if len(rows) <= _QUICK_COUNT else await pool.run(work)
        return rows[places], similarities[places]

    async def _of_rows(
        self, pool: CachedPool, example: KnownExample, rows: IntArray
    ) -> Float32Array:
        """Compare an example with clips of a pool; return (n,) float32."""
        vectors = await self._pools.load(pool)
        comparison = Comparison(vectors, rows, example.vector, example.similarity)
        await pool.run_in_shares(len(rows), comparison.share)
        return comparison.similarities


def _check_given(pool: Pool, given: GivenEmbedding, field: str) -> None:
    if given.fingerprint:
        _check_encoder(pool, given.fingerprint, "the embedding")
    size, dim = len(given.vector), pool.encoder.embedding_dim
    if size != dim:
        raise InvalidInput.of(
            f"{field}.embedding", f"{size} values; the pool's embeddings have {dim}"
        )
    if not all_in_range(given.vector[None]):
        raise InvalidInput.of(f"{field}.embedding", RANGE_RULE)


def _check_same(pool: Pool, epoch: str) -> None:
    if pool.epoch != epoch:
        raise PoolNotFound(f"pools/{pool.pool_id} was deleted and made anew meanwhile")


def _check_dim(pool: Pool, vector: Float32Array, what: str) -> None:
    """What the fingerprint says may be wrong: whoever brings embeddings says it."""
    dim = pool.encoder.embedding_dim
    if len(vector) != dim:
        raise EncoderMismatch(
            f"embeddings of {what} have {len(vector)} values, of pools/{pool.pool_id} {dim}, though"
            f" both say encoder {pool.encoder.fingerprint}; they cannot be compared"
        )


def _check_encoder(pool: Pool, fingerprint: str, what: str) -> None:
    if fingerprint != pool.encoder.fingerprint:
        raise EncoderMismatch(
            f"{what} is of encoder {fingerprint}, pools/{pool.pool_id} of"
            f" {pool.encoder.fingerprint}; they cannot be compared"
        )
