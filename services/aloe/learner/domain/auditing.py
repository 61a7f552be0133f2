"""Audits: clips that are drawn at random, so that they tell what the unanswered ones are like."""

from collections.abc import Sequence

import numpy as np

from aloe.learner.domain.arrays import BoolArray, IntArray
from aloe.learner.domain.leases import Pick

AUDITS_BEGIN = 50
"""Before so many clips are labeled or asked for, each label is worth more where the head is
unsure."""
_PURPOSE = 2
"""Tells these random numbers from those of other choices."""


def audit_places(share: float, asked_count: int, count: int) -> IntArray:
    """Say which of the next picks are audits: of any number in a row, that share.

    Args:
        share: 0 to 1.
        asked_count: clips that are labeled, abstained or leased already.
        count: picks to come.

    Returns:
        (n,) int64, places among the picks, ascending.
    """
    numbers = np.arange(asked_count, asked_count + count)
    is_audit = np.floor((numbers + 1) * share) > np.floor(numbers * share)
    return np.flatnonzero(is_audit & (numbers >= AUDITS_BEGIN))


def audit_rows(seed: int, is_open: BoolArray, count: int) -> IntArray:
    """Draw open clips at random, in an order that seed and rows alone decide.

    A clip that comes back, as its lease runs out, is drawn again. Clips keep their place in the
    order when the pool grows.

    Args:
        seed: of the task.
        is_open: (n_clips,) bool, the clips to choose from.
        count: how many to return, if there are so many.

    Returns:
        (at most count,) int64, rows.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0, _PURPOSE])))
    rows = np.flatnonzero(is_open)
    keys = generator.random(len(is_open))[rows]
    if count < len(rows):
        first = np.argpartition(keys, count)[:count]
        rows, keys = rows[first], keys[first]
    return rows[np.argsort(keys, kind="stable")]


def with_audits(ranking: Sequence[Pick], audits: Sequence[Pick], places: IntArray) -> list[Pick]:
    """Put audits into a ranking, whose other picks keep their order; no clip is there twice.

    Args:
        ranking: the picks of the query strategy.
        audits: the first ones are taken.
        places: (n,) int64, ascending: where audits go.

    Returns:
        As many picks as in the ranking, or more where all of it stays and audits come besides.
    """
    rows = {audit.row for audit in audits[: len(places)]}
    merged = [pick for pick in ranking if pick.row not in rows]
    for place, audit in zip(places.tolist(), audits, strict=False):
        merged.insert(place, audit)
    return merged
