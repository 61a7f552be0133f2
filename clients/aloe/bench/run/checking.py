"""Heads held against the truth: what they are estimated to be, and would take as their own answers.

Estimates take longer than the heads themselves, so that only the heads that are checked get one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from aloe.bench.results.rows import Accepted, HeadCheck
from aloe.client import AsyncLearnerClient, Label

PATIENCE = timedelta(minutes=5)
"""How long a server may be away, or a head take, before the experiment gives up."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some rounds of a run, one after the other."""

    rounds: int | None
    """None for all that are left."""
    is_checked: bool = False
    """Whether the head of its labels is checked: then it is one round."""


def stretches(checked: Iterable[int], rounds: int | None) -> Iterator[Stretch]:
    """Divide a run.

    Args:
        checked: rounds, from 1, whose labels make a head that is to be checked.
        rounds: of the run; None for as many as there can be.
    """
    done = 0
    for number in sorted(set(checked)):
        if number <= done or (rounds is not None and number > rounds):
            continue
        if number > done + 1:
            yield Stretch(number - done - 1)
        yield Stretch(1, is_checked=True)
        done = number
    if rounds != done:
        yield Stretch(None if rounds is None else rounds - done)


@dataclass(frozen=True, slots=True)
class Checking:
    """Checks heads of one task, through the real service."""

    client: AsyncLearnerClient
    task_id: str
    train: Mapping[str, Label]
    """Clip id to true class."""
    test: Mapping[str, Label]
    max_expected_error: float
    """Part of the accepted predictions that may be wrong."""
    found: dict[int, HeadCheck] = field(default_factory=dict)
    """By version of the head."""

    async def prepare(self, head_version: int) -> None:
        """Have the next head estimated.

        Args:
            head_version: of the newest head that is promised, 0 for none; it gets no estimate.
        """
        await self.wait_for(head_version)
        await self.client.update_task(self.task_id, estimate_accuracy=True, timeout=PATIENCE)

    async def check(self, head_version: int, asked: Collection[str]) -> None:
        """Hold the newest head against the truth; no other is estimated from then on.

        Args:
            head_version: its version, 0 if there is none.
            asked: ids of the train clips that were asked or had seed labels.
        """
        await self.wait_for(head_version)
        await self.client.update_task(self.task_id, estimate_accuracy=False, timeout=PATIENCE)
        heads = await self.client.list_rounds(self.task_id, head_version, timeout=PATIENCE)
        if not head_version or heads[0].accuracy_estimate is None:
            return
        rest = {clip_id: label for clip_id, label in self.train.items() if clip_id not in asked}
        self.found[head_version] = HeadCheck(
            await self._accepted(rest, head_version), await self._accepted(self.test, head_version)
        )

    async def wait_for(self, head_version: int) -> None:
        """Wait until a head is there."""
        async for update in self.client.watch_task(self.task_id, timeout=PATIENCE):
            if update.task.head_version >= head_version:
                return

    async def _accepted(self, truth: Mapping[str, Label], head_version: int) -> Accepted | None:
        """Have the newest head predict clips and say which predictions to accept."""
        if not truth:
            return None
        found = await self.client.predict(
            self.task_id,
            clip_ids=list(truth),
            min_head_version=head_version,
            max_expected_error=self.max_expected_error,
            timeout=PATIENCE,
        )
        is_right = [
            label == known for label, known in zip(found.labels, truth.values(), strict=True)
        ]
        is_accepted = found.accepted or (False,) * len(truth)
        return Accepted(
            clip_count=len(truth),
            right_count=sum(is_right),
            accepted_count=sum(is_accepted),
            wrong_count=sum(
                taken and not right for taken, right in zip(is_accepted, is_right, strict=True)
            ),
            expected_error=found.expected_error,
        )
