"""How large a batch may be."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may be."""

    sizes: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32)
    """The row counts a batch may have, ascending. Few, as TensorFlow keeps code for each shape."""
    max_sample_count: int = 32 * 80_000
    """Bound on rows times samples, so that long clips run in smaller batches."""
    patience_s: float = 0.25
    """A clip is due this long after it came, or this long before its deadline if that is sooner."""

    def up_to(self, max_row_count: int) -> "BatchLimits":
        """Return the same limits for batches of at most `max_row_count` clips."""
        sizes = [size for size in self.sizes if size < max_row_count]
        return replace(self, sizes=(*sizes, max_row_count))

    def row_count(self, clip_count: int, sample_count: int) -> int:
        """Return at how many rows `clip_count` waiting clips of `sample_count` samples run.

        The largest size that they fill: the rest waits for the clips that come meanwhile, which
        costs less than rows of padding. Fewer clips than the smallest size are padded up to it.
        """
        largest = min(clip_count, self.max_sample_count // sample_count)
        return max((size for size in self.sizes if size <= largest), default=self.sizes[0])
