"""Events as the scripts write them to a task's log."""

import json
from collections.abc import Sequence
from typing import Any

from aloe.learner.adapters.redis import codec
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.events import Event
from aloe.learner.domain.leases import Reason
from aloe.learner.domain.task import Task
from aloe.values.states import ClipState, EventKind

_EVENT_KINDS = {
    b"created": EventKind.TASK_CREATED,
    b"updated": EventKind.TASK_UPDATED,
    b"leased": EventKind.CLIPS_LEASED,
    b"renewed": EventKind.LEASES_RENEWED,
    b"released": EventKind.LEASES_RELEASED,
    b"expired": EventKind.LEASES_EXPIRED,
    b"answered": EventKind.CLIPS_ANSWERED,
    b"imported": EventKind.LABELS_IMPORTED,
    b"head": EventKind.HEAD_TRAINED,
    b"retired": EventKind.CLIPS_RETIRED,
    b"dropped": EventKind.LABELS_DROPPED,
    b"promoted": EventKind.HEAD_PROMOTED,
    b"demoted": EventKind.HEAD_DEMOTED,
    b"reclassed": EventKind.CLASSES_CHANGED,
}
"""As the scripts write them."""
_STATES = frozenset(map(int, ClipState))
_PLAIN_LENGTH, _AUDIT_LENGTH = 2, 3
"""Of a lease in the log: its id and score; with whether it is an audit. A reason follows these."""
_NUMBERS = {int}
_SCORES = {int, float, type(None)}


def load_event(task: Task, entry_id: bytes, flat: Sequence[bytes]) -> Event:
    """Read an entry of a task's log: its id, and its fields, each in front of its value.

    Args:
        task: as it was just before the event, or later.
        entry_id: of the entry.
        flat: its fields.

    Raises:
        ValueError and what else codec.UNREADABLE names: no script wrote it.
    """
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    kind = _EVENT_KINDS[fields[b"kind"]]
    # In one go: most of what it takes is the call.
    lists = b"[%b,%b,%b,%b,%b,%b]" % (
        *(fields[name] for name in (b"rows", b"states", b"classes")),
        *(fields.get(name, b"[]") for name in (b"leases", b"hashes", b"audits")),
    )
    rows, states, classes, leases, hashes, audits = json.loads(lists.decode())
    event = Event(
        event_id=entry_id.decode(),
        kind=kind,
        rows=tuple(rows),
        states=tuple(states),
        **_classes(task, classes),
        head_version=codec.load_count(fields.get(b"head_version")),
        oracle_id=fields.get(b"oracle", b"").decode(),
        lease_ids=tuple(each[0] if kind is EventKind.CLIPS_LEASED else each for each in leases),
        scores=tuple(each[1] for each in leases) if kind is EventKind.CLIPS_LEASED else (),
        audits=(
            _leased_audits(leases) if kind is EventKind.CLIPS_LEASED else tuple(map(bool, audits))
        ),
        reasons=_reasons(leases) if kind is EventKind.CLIPS_LEASED else (),
        query_strategy=codec.load_strategy(fields.get(b"strategy", b"").decode()),
        content_hashes=tuple(hashes),
        basis=codec.load_basis(fields[b"basis"].decode()) if b"basis" in fields else None,
        settings=codec.load_task(task.task_id, fields[b"spec"]) if b"spec" in fields else None,
        cutoff_event_id=fields.get(b"cutoff", b"").decode(),
        map_name=fields.get(b"map", b"").decode(),
        promotion_id=fields.get(b"promotion", b"").decode(),
    )
    _check(event, len(task.classes))
    return event


def _classes(task: Task, stored: list[Any]) -> dict[str, Any]:
    """Read the class of each row; of several labels a clip what these are."""
    if not any(isinstance(each, str) for each in stored):
        return {"class_indices": tuple(stored)}
    found = [codec.load_class(each, task) for each in stored]
    return {
        "class_indices": tuple(class_index for class_index, _ in found),
        "class_sets": tuple(class_set for _, class_set in found),
    }


def _leased_audits(leases: Sequence[Sequence[Any]]) -> tuple[bool, ...]:
    """Read which clips were drawn at random; none where no clip was."""
    audits = tuple(each[2] == 1 if len(each) > _PLAIN_LENGTH else False for each in leases)
    return audits if any(audits) else ()


def _reasons(leases: Sequence[Sequence[Any]]) -> tuple[Reason | None, ...]:
    """Read what was given besides the score; none where nothing was."""
    reasons = tuple(_reason(each[3:]) if len(each) > _AUDIT_LENGTH else None for each in leases)
    return reasons if any(reasons) else ()


def _reason(values: Sequence[Any]) -> Reason:
    reason = Reason(*values)
    if type(reason.nearest_row) is not int or not {*map(type, reason)} <= _SCORES:
        raise ValueError(f"{values} are no reason of a pick")
    return reason


def _check(event: Event, class_count: int) -> None:
    """Raise ValueError where a view of the task cannot be folded from it."""
    codec.check_texts(*event.lease_ids, *event.content_hashes)
    rows, states, classes = event.rows, event.states, event.class_indices
    if not set(map(type, (*rows, *states, *classes))) <= _NUMBERS:
        raise ValueError(f"{event.event_id} names a row, state or class that is no number")
    if not len(rows) == len(states) == len(classes):
        raise ValueError(f"{event.event_id} has {len(rows)} rows and {len(states)} states")
    if rows:
        for row in (min(rows), max(rows)):
            codec.check_row(row)
    if not _STATES.issuperset(states):
        raise ValueError(f"{event.event_id} has states that there are none of")
    if classes and not NO_CLASS <= min(classes) <= max(classes) < class_count:
        raise ValueError(f"{event.event_id} has classes beyond {class_count}")
    if not set(map(type, event.scores)) <= _SCORES:
        raise ValueError(f"{event.event_id} has scores that are no numbers")
    if event.audits and len(event.audits) != len(rows):
        raise ValueError(f"{event.event_id} has {len(rows)} rows and other audits")
    if event.content_hashes and len(event.content_hashes) != len(rows):
        raise ValueError(f"{event.event_id} has {len(rows)} rows and other contents")
