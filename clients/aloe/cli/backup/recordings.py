"""The recordings of a pool, one after the other, and whose there is none."""

from datetime import timedelta

from aloe.client import LearnerClient, NotFound, Pool

_PATIENCE = timedelta(minutes=10)
_TOLD_COUNT = 20


class Recordings:
    """Asks for the recordings of a pool that keeps audio."""

    def __init__(self, learner: LearnerClient, pool: Pool) -> None:
        self._learner, self._pool_id = learner, pool.pool_id
        self.missing: dict[str, str] = {}
        """Why there is none, by clip id; of the first few that have none."""

    def of(self, clip_id: str) -> bytes | None:
        """Return the recording of a clip; None, and noted, if there is none."""
        try:
            return self._learner.get_clip_audio(self._pool_id, clip_id, timeout=_PATIENCE).content
        except NotFound as error:
            if error.reason == "POOL_NOT_FOUND":
                raise
            if len(self.missing) < _TOLD_COUNT:
                self.missing[clip_id] = str(error)
            return None
