"""Histories written by hand, in which faults can be planted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.chaos.checker import check
from tests.chaos.disruptions import ClockChange, Damage, Disruptions, Rollback
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.history import FinalTask, Operation, Outcome, StoredAnswer
from tests.chaos.labels import write_label

from aloe.client import Label

TASK, POOL = "task", "pool"
GivenLeases = Sequence[tuple[str, str, float]]
"""Lease id, clip id and expiry. A clip's content is its id, but where the story tells otherwise."""


@dataclass
class Story:
    """What clients saw of a task, and what it holds in the end."""

    final: FinalTask
    operations: list[Operation] = field(default_factory=list)
    rollbacks: list[Rollback] = field(default_factory=list)
    clock_changes: list[ClockChange] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    contents: dict[str, str] = field(default_factory=dict)
    """By clip id, for the queries that follow."""

    def add(
        self,
        call: str,
        oracle_id: str,
        start_s: float,
        end_s: float,
        request: dict[str, Any],
        *,
        result: dict[str, Any] | None = None,
        outcome: Outcome = Outcome.ACKNOWLEDGED,
        reason: str = "",
    ) -> None:
        self.operations.append(
            Operation(
                call=call,
                task_id=TASK,
                oracle_id=oracle_id,
                replica=0,
                start_s=start_s,
                end_s=end_s,
                outcome=outcome,
                request=request,
                result=result or {},
                reason=reason,
            )
        )

    def query(
        self,
        oracle_id: str,
        at_s: float,
        leases: GivenLeases,
        *,
        head_version: int = 0,
        request_id: str = "",
        min_head_version: int = 0,
    ) -> None:
        """A query that takes 0.1 s."""
        self.add(
            "query",
            oracle_id,
            at_s,
            at_s + 0.1,
            {
                "request_id": request_id or f"query {oracle_id} {at_s}",
                "min_head_version": min_head_version,
            },
            result={
                "head_version": head_version,
                "leases": [[*lease, self.contents.get(lease[1], lease[1])] for lease in leases],
            },
        )

    def submit(
        self,
        oracle_id: str,
        at_s: float,
        answers: Mapping[str, Label | None],
        *,
        head_version: int | None = None,
        request_id: str = "",
        outcome: Outcome = Outcome.ACKNOWLEDGED,
        reason: str = "",
    ) -> None:
        """A submission that takes 0.1 s."""
        self.add(
            "submit_labels",
            oracle_id,
            at_s,
            at_s + 0.1,
            {
                "request_id": request_id or f"submit {oracle_id} {at_s}",
                "answers": [[each, write_label(label)] for each, label in answers.items()],
            },
            result={"head_version": head_version, "label_count": 0},
            outcome=outcome,
            reason=reason,
        )

    def delete(self, at_s: float, *clip_ids: str, outcome: Outcome = Outcome.ACKNOWLEDGED) -> None:
        """A deletion that takes 0.1 s."""
        self.on_pool("delete_clips", at_s, {"clip_ids": list(clip_ids)}, outcome=outcome)

    def import_clips(self, at_s: float, *clips: tuple[str, str], replaces: bool = False) -> None:
        """An import of names and contents that takes 0.1 s."""
        request = {"clips": [list(clip) for clip in clips], "replace": replaces}
        self.on_pool("import_clips", at_s, request, result={"failed": []})

    def on_pool(
        self,
        call: str,
        at_s: float,
        request: dict[str, Any],
        *,
        result: dict[str, Any] | None = None,
        outcome: Outcome = Outcome.ACKNOWLEDGED,
    ) -> None:
        """A call on the pool that takes 0.1 s."""
        request = {"pool_id": POOL, **request}
        self.add(call, "cid", at_s, at_s + 0.1, request, result=result, outcome=outcome)
        self.operations[-1] = replace(self.operations[-1], task_id="")

    def roll_back(self, snapshot_s: float, gone_s: float) -> None:
        """Let the store go back to what it was."""
        self.rollbacks.append(Rollback(snapshot_s, gone_s, gone_s + 0.1))

    def change_classes(
        self,
        at_s: float,
        change: str,
        name: str,
        *,
        into: str = "",
        head_version: int | None = None,
        outcome: Outcome = Outcome.ACKNOWLEDGED,
    ) -> None:
        """A change of classes that takes 0.1 s."""
        request = {"change": change, "class": name, "into": into}
        result = {"head_version": head_version}
        self.add("change_classes", "cid", at_s, at_s + 0.1, request, result=result, outcome=outcome)

    def import_recording(
        self, at_s: float, *windows: str, outcome: Outcome = Outcome.ACKNOWLEDGED
    ) -> None:
        """An import of a recording in windows that takes 0.1 s."""
        request = {"clips": [[each, each] for each in windows], "replace": False}
        self.on_pool("import_recording", at_s, request, result={"failed": []}, outcome=outcome)

    def store(self, clip_id: str, oracle_id: str, label: Label | None) -> None:
        """Let the final state hold an answer, and count it."""
        self.final = with_labels(
            self.final, {**self.final.labels, clip_id: StoredAnswer(oracle_id, label)}
        )

    def lose(self, clip_id: str) -> None:
        """Let the final state not hold an answer, nor count it."""
        kept = {key: value for key, value in self.final.labels.items() if key != clip_id}
        self.final = with_labels(self.final, kept)

    def found(self) -> set[FindingKind]:
        """The kinds of what the checker finds."""
        return {finding.kind for finding in self.findings()}

    def findings(self) -> list[Finding]:
        """What the checker finds."""
        return check(self.operations, [self.final], self.disruptions)

    @property
    def disruptions(self) -> Disruptions:
        return Disruptions(tuple(self.rollbacks), tuple(self.clock_changes), tuple(self.damages))


def with_labels(final: FinalTask, labels: dict[str, StoredAnswer]) -> FinalTask:
    """The same with other labels, rightly counted."""
    labeled = [each for each in labels.values() if each.label is not None]
    return replace(
        final,
        labels=labels,
        labeled_count=len(labeled),
        abstained_count=len(labels) - len(labeled),
        budget_spent=sum(1 for each in labeled if each.oracle_id),
    )


def clean_story() -> Story:
    """Two seed labels; then ann labels a and abstains from b, while bob labels c; then head 2."""
    story = Story(FinalTask(TASK, 2, 0, 0, 0, {}, {1: 2, 2: 4}))
    story.add("create_task", "ann", 0.0, 0.1, {"label_budget": 10}, result={"head_version": 0})
    seeds = {"labels": [["s", "yes"], ["t", "no"]]}
    story.add("import_labels", "ann", 0.2, 0.3, seeds, result={"head_version": 1})
    story.query("ann", 1.0, [("l1", "a", 11.0), ("l2", "b", 11.0)], head_version=1)
    story.query("bob", 1.0, [("l3", "c", 11.0)], head_version=1)
    story.submit("ann", 2.0, {"l1": "yes", "l2": None}, head_version=2)
    story.submit("bob", 2.0, {"l3": "no"}, head_version=2)
    story.query("bob", 4.0, [("l4", "d", 14.0)], head_version=2)
    story.add("get_task", "bob", 5.0, 5.1, {}, result={"head_version": 2, "budget_spent": 2})
    story.add("list_rounds", "bob", 5.0, 5.1, {}, result={"rounds": [[1, 2], [2, 4]]})
    for clip_id, oracle_id, label in (
        ("s", "", "yes"),
        ("t", "", "no"),
        ("a", "ann", "yes"),
        ("b", "ann", None),
        ("c", "bob", "no"),
    ):
        story.store(clip_id, oracle_id, label)
    return story
