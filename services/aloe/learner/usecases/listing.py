"""Lists of what each may be damaged by itself: the others are listed, and it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aloe.learner.domain.errors import StoreDamaged

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Some of a list, in the order of their ids."""

    found: Sequence[T]
    unreadable: Sequence[tuple[str, StoreDamaged]]
    """Ids of those that cannot be read, with what is damaged."""
    last_id: str
    """Where to go on; empty where nothing is left."""


def listing_of(entries: Sequence[tuple[str, T | StoreDamaged]], count: int) -> Listing[T]:
    """Return the first few entries; one more tells that the list goes on."""
    some = entries[:count]
    return Listing(
        [each for _, each in some if not isinstance(each, StoreDamaged)],
        [(id_, each) for id_, each in some if isinstance(each, StoreDamaged)],
        some[-1][0] if len(entries) > count else "",
    )
