"""A store of tasks; `store` says what holds for all of its methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from aloe.learner.domain.events import Event
from aloe.learner.domain.head import Head
from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.leases import (
    LabelChange,
    LabelsOutcome,
    LeaseOutcome,
    LeaseRequest,
    StoredLabel,
)
from aloe.learner.domain.promotions import Promotion
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task, TaskProgress

REQUEST_LIFE = timedelta(days=1)
"""How long the answer to a request id is remembered."""
CLOCK_SLACK = timedelta(seconds=1)
"""So much later than it can a hold may seem to end, by clocks that differ; one of longer was given
before a clock was put back, and is over."""
ENDED_LEASE_LIFE = timedelta(days=7)
"""How long a lease is remembered after it ended; until then a late answer or a correction can be
taken, and after it the lease is unknown."""


@dataclass(frozen=True, slots=True)
class TaskMark:
    """How a task was when it was looked at."""

    task_id: str
    epoch: str
    last_event_id: str
    training_head_version: int | None


class TaskStore(Protocol):
    """Keeps tasks with their labels, leases, heads, rounds and events."""

    async def create_task(self, task: Task) -> Task:
        """Create it, or return the one that is there with the same content.

        Raises:
            AlreadyExists: the id is taken by another.
            PoolNotFound: it has no pool.
        """

    async def read_task(self, task_id: str) -> tuple[Task, TaskProgress]:
        """End a task's overdue leases; return it and how far it is. Raises TaskNotFound."""

    async def list_task_ids(self, pool_id: str | None) -> list[str]:
        """Return the ids, of one pool or all, sorted.

        Some may be of tasks that have just gone or that are on another pool by now: read each.
        """

    async def update_task(self, task: Task) -> None:
        """Replace the stored task by `task`, whose revision is then one higher.

        Only settings may differ: id, pool, classes, seed and times are fixed.

        Raises:
            TaskChanged: another update came since `task` was read; nothing is changed.
        """

    async def change_classes(self, task: Task, *, teaches: bool) -> int | None:
        """Replace the stored task by `task`, whose revision is then one higher.

        Only classes may differ, of which none goes. What labels of each count as is changed in the
        same step: see `begin_round`.

        Args:
            task: as it is to be, with the revision that was read.
            teaches: whether a head is due then, as when labels change.

        Returns:
            The version of the head that will have these classes; None where none is due.

        Raises:
            TaskChanged: another update came since `task` was read; nothing is changed.
        """

    async def delete_task(self, task_id: str) -> None:
        """Delete it with all that belongs to it. Raises TaskNotFound."""

    async def import_labels(
        self,
        task: Task,
        labels: Sequence[LabelChange],
        *,
        replace: bool = False,
        validate_only: bool = False,
    ) -> LabelsOutcome:
        """Set labels, each clip once; a lease on one is lost.

        A label that was given for another clip than the row has now is replaced like none.

        A label that agrees in state and class with what is stored changes nothing. Labels that an
        oracle gave count against the label budget, but are not refused by it.

        Args:
            task: the task.
            labels: no clip twice.
            replace: set those that differ from what is stored as well.
            validate_only: store nothing, and tell what would change.

        Labels of classes that count as the same agree.

        Raises:
            ClassesChanged: the classes are others than `task` has; nothing is changed.
            LabelsDiffer: some differ from what is stored, and `replace` is not set.
            ClipNotFound: a row is retired in this task; nothing is changed.
        """

    async def retire_rows(self, task: Task, rows: Sequence[int]) -> None:
        """Take rows that their pool retired out of a task, with labels and leases; for good.

        Repeating it changes nothing.
        """

    async def drop_strays(self, task: Task, contents: Mapping[int, str | None]) -> int:
        """Take labels and leases off rows whose clips they are not for; return off how many.

        Those rows are unlabeled then, and the leases unknown; a round in progress is given up. It
        is for a store of which a part went back to an earlier state: then a row may have become
        another clip's.

        Args:
            task: the task.
            contents: rows with the content hash of the clip that each has now, None without one. A
                label or lease of another content is dropped, and any where there is no clip. So is
                that a row is retired: only rows that their pool did not retire are to be given.
        """

    async def lease(self, task: Task, request: LeaseRequest) -> LeaseOutcome:
        """Lease the first free clips of a ranking, as many as asked for and as may be held.

        The label budget leaves room for what is neither labeled nor held; max_leases_per_oracle
        counts what the oracle holds.

        Raises:
            RankingTooShort: clips outside the ranking are free that should have been leased.
        """

    async def leased(self, task: Task, request_id: str) -> LeaseOutcome | None:
        """Return what `lease` answered a request of this id; None if it did not, or long ago."""

    async def submit(
        self,
        task: Task,
        oracle_id: str,
        answers: Sequence[tuple[str, int | ClassSet]],
        request_id: str,
    ) -> LabelsOutcome:
        """Store answers: pairs of lease id and class index, NO_CLASS abstaining.

        In tasks of several labels a clip a set takes the place of a class. They are stored as they
        are; two labels of the same set agree.

        An answer ends its lease. A late one is taken while nobody else holds the clip or has
        answered it. A second answer under one lease corrects the first; RETRACTED takes it back,
        and the clip is unlabeled again.

        Args:
            task: the task.
            oracle_id: who answers.
            answers: no lease twice.
            request_id: chosen by the caller.

        Raises:
            ClassesChanged: the classes are others than `task` has; nothing is changed.
            InvalidInput: a lease is another oracle's; violations by their place.
            LeaseLost: a lease is unknown, or a clip went to another oracle or was answered by one,
                or is retired, or the lease ended and its place in the label budget has been taken.
        """

    async def submitted(self, task: Task, request_id: str) -> LabelsOutcome | None:
        """Return what `submit` answered a request of this id; None if it did not, or long ago."""

    async def release(self, task: Task, oracle_id: str, lease_ids: Sequence[str]) -> int:
        """End leases of an oracle, all of them if no id is given; return how many did.

        Raises:
            InvalidInput: a lease is another oracle's.
            LeaseLost: a lease is unknown.
        """

    async def renew(
        self, task: Task, oracle_id: str, lease_ids: Sequence[str], duration: timedelta
    ) -> datetime:
        """Let leases of an oracle last `duration` from now, all or none; return until when.

        One that has ended is renewed while nobody else holds the clip.

        Raises:
            InvalidInput: a lease is another oracle's; violations by their place.
            LeaseLost: a lease is unknown, or a clip is answered or retired, or went to another
                oracle, or the lease ended and its place in the label budget has been taken.
        """

    async def read_events(self, task: Task, after: str, at_most: int | None = None) -> list[Event]:
        """Return the events after an event id, in order.

        Raises:
            StoreWentBack: the log has no such event: it went back to an earlier state.
        """

    async def changed_since(self, marks: Sequence[TaskMark]) -> set[str]:
        """Return the ids of tasks that changed since they were marked, or may have; none twice.

        Among them are those with overdue leases, and those that are gone, made anew or cannot be
        read. A change of a task's pool is none of the task.
        """

    async def read_labels(self, task: Task) -> list[StoredLabel]:
        """Return every label and abstention, by row; none of retired rows.

        Raises:
            ClassesChanged: the classes are others than `task` has.
        """

    async def begin_round(self, task: Task, trainer_id: str, hold: timedelta) -> RoundTicket | None:
        """Take the right to train the next head, if one is due and nobody else has it.

        A head is due once training labels, or what they count as, changed since the last one's
        cutoff, and two classes have some, by what they count as. A round whose trainer let its hold
        run out is given to the next who asks, with the same version, cutoff and settings, so that
        its head comes out the same. A trainer that has the ticket gets it again, with a new hold.
        """

    async def publish_head(self, ticket: RoundTicket, head: Head, round_: Round) -> bool:
        """Store a head with its round; False, and nothing stored, if the ticket was lost."""

    async def read_head(self, task: Task, version: int) -> Head | None:
        """Return a head, or None if it is not trained or no longer kept.

        Kept are the newest KEPT_HEADS, and those that were ever promoted.
        """

    async def restore_head(self, task: Task, head: Head, round_: Round) -> None:
        """Store a head of a backup with its round, and keep it as those that were promoted.

        Where it is the newest, the next head that is trained has the version after it. One that is
        there already is left as it is.

        Raises:
            AlreadyExists: there is, or was, another head of its version, or one is promised to
                those who gave labels.
        """

    async def promote_head(
        self, task: Task, promotion_id: str, version: int, promote_time: datetime | None = None
    ) -> Promotion:
        """Give a head a name, and keep it until the task is deleted; return what has the name now.

        It counts as given at a time, now at the latest; now by default. Repeating it changes
        nothing.

        Raises:
            HeadVersionUnknown: the head is not kept.
            InvalidInput: heads of the task have MOST_PROMOTIONS names already.
        """

    async def demote_head(self, task: Task, promotion_id: str) -> None:
        """Take a name off the head that has it. Raises PromotionNotFound."""

    async def read_promotions(self, task: Task) -> list[Promotion]:
        """Return the names that heads have, by name."""

    async def read_rounds(self, task: Task, first_version: int, count: int) -> list[Round]:
        """Return up to `count` rounds from a head version on, by version."""
