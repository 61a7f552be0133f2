"""Orders of a task's clips: what there is to choose from, and what an order rests on."""

from dataclasses import dataclass

import numpy as np

from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.arrays import BoolArray
from aloe.learner.domain.leases import Basis, Pick
from aloe.values.strategies import QueryStrategy


@dataclass(frozen=True, slots=True)
class Ranked:
    """The clips to ask first, and what their order rests on."""

    picks: list[Pick]
    basis: Basis
    by: QueryStrategy | None = None
    """What ranked them, but those drawn at random; None where nothing did: before the first head,
    mostly."""
    passed_over: int = 0
    """Clips that would be among them, but for others that are near."""


@dataclass(frozen=True, slots=True, eq=False)
class Among:
    """What a query leaves to choose from."""

    rows: BoolArray
    """(n_clips,) bool, of the pool when it was looked at."""
    choice: str
    """In words, for the log."""

    def first(self, row_count: int) -> BoolArray:
        """Return so many rows, (row_count,) bool; those that came since are none of them."""
        more = max(0, row_count - len(self.rows))
        first: BoolArray = np.r_[self.rows[:row_count], np.zeros(more, np.bool_)]
        return first


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asks for."""

    strategy: QueryStrategy
    """What is to rank."""
    batch_size: int
    most: int
    map_name: str
    """Of the map whose vectors are looked at; empty for the embeddings, or none."""
    among: Among | None = None
    """What there is to choose from; None for all."""

    def narrow(self, is_open: BoolArray) -> BoolArray:
        """Return which of the open clips, (n_clips,) bool, there are to choose from."""
        return is_open if self.among is None else is_open & self.among.first(len(is_open))


def basis_of(cached: CachedTask, pool: CachedPool, asked: Asked) -> Basis:
    """Return what an order that is made now rests on."""
    return Basis(
        cached.view.last_event_id,
        pool.row_count,
        len(pool.retired_rows),
        asked.batch_size,
        asked.most,
        asked.map_name,
        asked.among.choice if asked.among else "",
        pool.pool.mark,
    )
