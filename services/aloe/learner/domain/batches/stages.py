"""Batches that grow in stages, for rules that must know how large a batch will be."""

from collections.abc import Iterator

_GROWTH = 4


def stages(count: int) -> Iterator[tuple[int, int]]:
    """Yield the stages of a batch: how many clips are picked at its end, and for what size.

    A batch is the first part of one of 1, 4, 16, ... clips, and that begins with the smaller ones:
    so the first k of a longer batch are the batch of k.
    """
    size = 1
    while count > 0:
        yield min(size, count), size
        if size >= count:
            return
        size *= _GROWTH
