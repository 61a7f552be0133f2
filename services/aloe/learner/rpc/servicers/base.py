"""What all RPCs have."""

from aloe.learner.usecases.learner import Learner


class Rpcs:
    """RPCs on a learner; an interceptor turns their exceptions into statuses."""

    def __init__(self, learner: Learner, export_idle_s: float) -> None:
        """Take what is served, and how long an export waits for its caller to take a message."""
        self._learner, self._export_idle_s = learner, export_idle_s
