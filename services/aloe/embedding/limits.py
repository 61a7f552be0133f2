"""How much the service takes on, and how large its batches are."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may be."""

    sizes: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32)
    """The row counts that run, ascending; a batch is padded up to the next one."""
    max_sample_count: int = 32 * 80_000
    """Bound on rows times samples, so that long clips run in smaller batches."""
    patience_s: float = 1.0
    """A clip with a later deadline, or none, is treated as one due this long after it came."""

    def up_to(self, max_row_count: int) -> "BatchLimits":
        """Return the same limits for batches of at most `max_row_count` clips."""
        sizes = [size for size in self.sizes if size < max_row_count]
        return replace(self, sizes=(*sizes, max_row_count))

    def max_row_count(self, sample_count: int) -> int:
        """Return how many clips of `sample_count` samples run together."""
        fitting = [size for size in self.sizes if size * sample_count <= self.max_sample_count]
        return fitting[-1] if fitting else self.sizes[0]

    def padded_row_count(self, row_count: int) -> int:
        """Return the row count at which a batch of `row_count` clips runs."""
        return next(size for size in self.sizes if size >= row_count)


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """How much the service takes on."""

    max_clip_count: int = 1024
    """Clips taken in at once."""
    max_byte_count: int = 512 * 1024 * 1024
    """Memory that they take."""
    decode_thread_count: int = 2
    int16_divisor: float = 32_768.0
    batch: BatchLimits = field(default_factory=BatchLimits)
