"""`aloe task replay`: a task's log done again, compared with what is stored and was picked."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import typer

from aloe.cli.console import complain, counted, notes, plain, print_json, progress, results
from aloe.cli.options import DEFAULT_SERVER, Json, Server, TaskId, client
from aloe.client import (
    ClipChange,
    ClipState,
    LearnerClient,
    StoredLabel,
    Task,
    TaskEvent,
    TaskReplay,
)

_PATIENCE, _MOST_TIME = timedelta(minutes=10), timedelta(days=1)
_STORED_STATES = (ClipState.LABELED, ClipState.ABSTAINED, ClipState.VALIDATION, ClipState.TEST)


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a comparison."""

    event_count: int
    label_count: int
    """Labels and abstentions that follow from the log."""
    differences: tuple[str, ...]


def replay(
    task_id: TaskId,
    picks: Annotated[
        bool,
        typer.Option(
            "--picks",
            help="train every head and make every pick again, and compare them bit for bit",
        ),
    ] = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Rebuild a task's state from its event log and compare it with what is stored."""
    with client(server) as learner:
        found = replay_task(learner, task_id)
        again = _replay_picks(learner, task_id) if picks else None
    if json:
        print_json({**plain(found), "picks": again} if picks else found)
    else:
        _tell_state(found)
        if again is not None:
            _tell_picks(again)
    if found.differences or (again is not None and again.difference_count):
        raise typer.Exit(1)


def _replay_picks(learner: LearnerClient, task_id: str) -> TaskReplay:
    last = None
    with progress() as bar:
        row = bar.add_task("events done again", total=None)
        for last in learner.replay_task(task_id, timeout=_MOST_TIME):
            bar.update(row, completed=last.event_count, total=last.total_event_count)
    assert last is not None  # noqa: S101 - a replay that does not fail tells what it found
    return last


def _tell_state(found: Replay) -> None:
    for difference in found.differences:
        results.print(difference, highlight=False, markup=False)
    verdict = "differs" if found.differences else "agrees"
    notes.print(
        f"{counted(found.event_count, 'event')}, {counted(found.label_count, 'label')}:"
        f" the log {verdict} with the store"
    )


def _tell_picks(again: TaskReplay) -> None:
    for each in again.differences:
        results.print(f"{each.event_id}: {each.text}", highlight=False, markup=False)
    if again.unknown_count:
        complain(
            f"{again.unknown_count:,} heads and picks cannot be done again; the first, of"
            f" {again.unknown_text}"
        )
    verdict = "all the same, bit for bit"
    if again.difference_count:
        verdict = f"{again.difference_count:,} came out otherwise"
    notes.print(
        f"{counted(again.head_count, 'head')} and {counted(again.pick_count, 'pick')} done again:"
        f" {verdict}"
    )


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
