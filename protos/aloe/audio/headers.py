"""What the headers of files say."""

from typing import NamedTuple


class Layout(NamedTuple):
    """Of a file that holds one stream of sound."""

    sample_rate_hz: int
    channel_count: int
    frame_count: int | None = None
    """None where it does not say."""
