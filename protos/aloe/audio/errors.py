"""What can go wrong with a recording."""


class BadAudio(Exception):
    """A recording that cannot be taken; the message says why, where, and what to do."""


class BrokenOff(BadAudio):
    """A recording that is read up to a place and no further; all that came before is right."""

    def __init__(
        self, why: str, frame_count: int, sample_rate_hz: int, promised_frame_count: int | None
    ) -> None:
        """Take what is wrong, and how much was read of how much."""
        self.why, self.frame_count, self.sample_rate_hz = why, frame_count, sample_rate_hz
        self.promised_frame_count = promised_frame_count
        of = ""
        if promised_frame_count is not None and promised_frame_count > frame_count:
            of = f" of {promised_frame_count / sample_rate_hz:,.3f} s"
        super().__init__(f"breaks off at {frame_count / sample_rate_hz:,.3f} s{of}: {why}")
