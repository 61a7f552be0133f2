"""How long work takes, learned from what was done; and when to come again."""

MIN_RETRY_AFTER_S = 0.05
MAX_RETRY_AFTER_S = 30.0
_MEMORY = 0.95


class Pace:
    """Seconds that a unit of work takes: a moving average."""

    def __init__(self, first_guess_s: float) -> None:
        self.s = first_guess_s

    def record(self, unit_count: int, duration_s: float) -> None:
        """Learn from some units that took a time together."""
        self.s = _MEMORY * self.s + (1 - _MEMORY) * duration_s / unit_count


def retry_after_s(wait_s: float) -> float:
    """Return when to try again, in seconds, where the work ahead takes `wait_s`."""
    return min(max(wait_s, MIN_RETRY_AFTER_S), MAX_RETRY_AFTER_S)
