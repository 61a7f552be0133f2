"""A task's state folded from its event log, to be compared with the state that is stored."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from aloe.client import ClipChange, ClipState, LearnerClient, StoredLabel, Task, TaskEvent

_PATIENCE = timedelta(minutes=10)
_STORED_STATES = (ClipState.LABELED, ClipState.ABSTAINED, ClipState.VALIDATION, ClipState.TEST)


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a comparison."""

    event_count: int
    label_count: int
    """Labels and abstentions that follow from the log."""
    differences: tuple[str, ...]


def replay_task(learner: LearnerClient, task_id: str) -> Replay:
    """Fold the log of a task and compare it with its labels and counts.

    A task that is being labeled meanwhile may differ: replay it again.
    """
    task = learner.get_task(task_id)
    events = list(learner.list_events(task_id))
    folded = fold(events)
    stored = list(learner.export_labels(task_id, timeout=_PATIENCE))
    differences = [*_label_differences(folded, stored), *_count_differences(folded, task)]
    head_version = max((e.head_version for e in events if not e.changes), default=0)
    if head_version != task.head_version:
        differences.append(f"head {head_version} in the log, {task.head_version} stored")
    label_count = sum(last.state in _STORED_STATES for last in folded.values())
    return Replay(len(events), label_count, tuple(differences))


def fold(events: Iterable[TaskEvent]) -> dict[int, ClipChange]:
    """Return the last change of every clip that any event changed, by the clip's number."""
    return {change.clip_number: change for event in events for change in event.changes}


def _label_differences(folded: dict[int, ClipChange], stored: list[StoredLabel]) -> list[str]:
    from_log = {
        last.clip_id: last.label for last in folded.values() if last.state in _STORED_STATES
    }
    from_store = {each.clip_id: each.label for each in stored}
    return [
        f"{clip_id}: {from_log.get(clip_id, 'nothing')!r} in the log,"
        f" {from_store.get(clip_id, 'nothing')!r} stored"
        for clip_id in sorted(from_log.keys() | from_store.keys())
        if from_log.get(clip_id, ()) != from_store.get(clip_id, ())
    ]


def _count_differences(folded: dict[int, ClipChange], task: Task) -> list[str]:
    counts = Counter(last.state for last in folded.values())
    return [
        f"{counts[state]:,} clips {state.name.lower()} in the log, {stored:,} stored"
        for state in (ClipState.LEASED, *_STORED_STATES)
        if counts[state] != (stored := getattr(task.clip_counts, state.name.lower()))
    ]
