"""The clips that one person holds while labeling, and what the learner is told of them."""

import contextlib
import time
import uuid
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aloe.cli.console import CommandError, tell
from aloe.cli.options import PATIENCE
from aloe.client import (
    AloeError,
    Answer,
    DeadlineExceeded,
    Label,
    LearnerClient,
    Lease,
    LeaseLost,
    Like,
    PoolState,
    QueryResult,
    Unavailable,
)

GONE = "it went to another oracle or is labeled already, or its place in the label budget is taken"
_MOST_ASKED = 10_000
_PARTING = timedelta(seconds=2)
"""A person who stops does not wait longer for a service that is away."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which clips a session asks for."""

    where: str = ""
    """A filter; empty takes all."""
    like: Like | None = None
    """What the first ones are to be like; None leaves the order to the query strategy."""
    most: int | None = None
    """So many clips; None for all there are."""
    said: str = ""
    """When its turn comes."""


class HeldClips:
    """Leases of one session, asked for some at a time.

    Every lease is named when it is given back: another session of the same oracle keeps its own.
    What calls the learner raises its AloeError.
    """

    def __init__(
        self,
        learner: LearnerClient,
        task_id: str,
        oracle_id: str,
        max_clip_count: int,
        wishes: Sequence[Wish],
    ) -> None:
        self._learner, self._names = learner, (task_id, oracle_id)
        self._max_clip_count = max_clip_count
        self._wishes = deque(wishes)
        """At least one; the first one is asked for now."""
        self._asked_count = 0
        """Clips that were asked by the first wish."""
        # Where nothing runs at all, who begins is told soon.
        self.task = learner.get_task(task_id, timeout=PATIENCE)
        """As it was when clips were asked for last."""
        self.pool_state = PoolState.OPEN
        """Why there is no next clip, where there is none."""
        self._queue: deque[Lease] = deque()
        self._held: dict[str, Lease] = {}
        """By lease id: those to be asked about, and the one that is asked about now."""
        self._renewal_times_s: dict[str, float] = {}
        self._skipped: set[str] = set()
        self._request_id = ""
        """Of a query that has been sent and not answered."""

    def next(self) -> Lease | None:
        """Return the clip to ask about now; None where there is none."""
        while self._queue or self._ask():
            lease = self._queue.popleft()
            try:
                if time.monotonic() > self._renewal_times_s[lease.lease_id]:
                    self._renew(lease)
            except LeaseLost:
                self._forget(lease)
                tell(f"{lease.clip_id} is not asked: {GONE}")
            else:
                return lease
        return None

    @property
    def are_in_hand(self) -> bool:
        """Whether any clip is in hand, unanswered."""
        return bool(self._held)

    def holds(self, clip_id: str) -> bool:
        """Whether a clip is in hand, unanswered."""
        return any(lease.clip_id == clip_id for lease in self._held.values())

    def are_classes_changed(self) -> bool:
        """Read the task; return whether its classes are others than when it was read before."""
        before = self.task.class_details
        self._read_task()
        return self.task.class_details != before

    def answer(self, lease: Lease, label: Label | None) -> None:
        """Store a label, or that one cannot tell; a LeaseLost says that nothing was stored."""
        try:
            self._submit(Answer(lease.lease_id, label))
        except LeaseLost:
            self._forget(lease)
            raise
        self._forget(lease)

    def retract(self, lease: Lease) -> None:
        """Take back what was answered; from then on the clip is unlabeled and open to all."""
        self._submit(Answer(lease.lease_id, None, retracted=True))

    def skip(self, lease: Lease) -> None:
        """Give a clip back; it is not asked about again while there are others."""
        self._skipped.add(lease.clip_id)
        self._release([lease])

    def ask_next(self, lease: Lease) -> None:
        """Ask about a clip in hand before the others."""
        self._queue.appendleft(lease)

    def take_up(self, lease: Lease) -> None:
        """Hold a clip again, and ask about it next; a LeaseLost says that it is gone."""
        self._renew(lease)
        self._held[lease.lease_id] = lease
        self._skipped.discard(lease.clip_id)
        self.ask_next(lease)

    def give_back(self) -> None:
        """Give back what is in hand, and what a query leased whose answer was not waited for."""
        try:
            if self._request_id:
                self._query(1, self._request_id, _PARTING)
        finally:
            self._release(list(self._held.values()), _PARTING)

    def _ask(self) -> bool:
        """Ask for clips, by one wish after the other; return whether there are any."""
        while not self._ask_by(self._wishes[0]):
            if len(self._wishes) == 1:
                return False
            self._wishes.popleft()
            self._asked_count = 0
            self._skipped.clear()
        return True

    def _ask_by(self, wish: Wish) -> bool:
        wanted_count = self._max_clip_count
        if wish.most is not None:
            wanted_count = min(wanted_count, wish.most - self._asked_count)
            if wanted_count <= 0:
                return False
        if wish.said and not self._asked_count:
            tell(wish.said)
        # More than are wanted, since those that were skipped come first again.
        count = min(wanted_count + len(self._skipped), _MOST_ASKED)
        found = self._query(count, str(uuid.uuid4()))
        self._read_task()
        self._plan_renewal(found.leases)
        if not found.leases:
            self.pool_state = found.pool_state
            return False
        wanted = [lease for lease in found.leases if lease.clip_id not in self._skipped]
        if not wanted:
            tell("nothing but skipped clips can be asked about now: here they are again")
            self._skipped.clear()
            wanted = list(found.leases)
        self._queue.extend(wanted[:wanted_count])
        self._asked_count += len(self._queue)
        asked = {lease.clip_id for lease in self._queue}
        self._release([lease for lease in found.leases if lease.clip_id not in asked])
        return True

    def _query(self, count: int, request_id: str, timeout: timedelta | None = None) -> QueryResult:
        """Query; a repetition under the same request id gives the same leases."""
        self._request_id = request_id
        try:
            found = self._learner.query(
                *self._names,
                max_clip_count=count,
                request_id=request_id,
                filter=self._wishes[0].where,
                like=self._wishes[0].like,
                timeout=timeout,
            )
        except (DeadlineExceeded, Unavailable):
            raise  # It may have leased clips: `give_back` asks once more.
        except AloeError:
            self._request_id = ""
            raise
        self._held.update((lease.lease_id, lease) for lease in found.leases)
        self._request_id = ""
        return found

    def _read_task(self) -> None:
        """Bring `task` up to date. Raises CommandError where it is another one of that name."""
        task = self._learner.get_task(self.task.task_id)
        if task.create_time != self.task.create_time:
            raise CommandError(
                f"task {task.task_id} was deleted and made anew meanwhile; begin again"
            )
        self.task = task

    def _submit(self, answer: Answer) -> None:
        self._learner.submit_labels(*self._names, [answer])

    def _renew(self, lease: Lease) -> None:
        self._learner.renew_leases(*self._names, [lease.lease_id])
        self._plan_renewal([lease])

    def _plan_renewal(self, leases: Collection[Lease]) -> None:
        """Let leases be renewed when half of their time is over, by this machine's clock."""
        time_s = time.monotonic() + self.task.lease_duration.total_seconds() / 2
        self._renewal_times_s.update((lease.lease_id, time_s) for lease in leases)

    def _release(self, leases: Collection[Lease], timeout: timedelta | None = None) -> None:
        if leases:  # An empty list would mean all leases of the oracle, other sessions' too.
            lease_ids = [lease.lease_id for lease in leases]
            try:
                self._learner.release_leases(*self._names, lease_ids, timeout=timeout)
            except LeaseLost:
                # The store lost some when it went back to an earlier state; the others are held.
                for lease_id in lease_ids:
                    with contextlib.suppress(LeaseLost):
                        self._learner.release_leases(*self._names, [lease_id], timeout=timeout)
        for lease in leases:
            self._forget(lease)

    def _forget(self, lease: Lease) -> None:
        self._held.pop(lease.lease_id, None)
        self._renewal_times_s.pop(lease.lease_id, None)
