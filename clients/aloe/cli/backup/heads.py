"""Heads that were ever promoted, in a backup and out of it.

What tells of them stands with their tasks; they themselves, and the maps that they read, stand in
the file's footer as messages of aloe.v1.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aloe.cli.head_card import label_origins
from aloe.client import (
    AlreadyExists,
    EventKind,
    FailedPrecondition,
    HeadBackup,
    LabelOrigins,
    LearnerClient,
    PromotedHead,
    Promotion,
    Task,
    TaskEvent,
)


@dataclass(frozen=True, slots=True)
class DumpedHead:
    """A head that was promoted."""

    backup: HeadBackup
    origins: LabelOrigins | None
    """None where the log did not tell its labels."""


@dataclass(frozen=True, slots=True)
class TaskHeads:
    """The heads of a task that were ever promoted, and the names that some have."""

    heads: tuple[DumpedHead, ...]
    """By version."""
    promotions: tuple[Promotion, ...]


def read_heads(learner: LearnerClient, task: Task) -> TaskHeads:
    """Ask for the heads of a task that are kept for ever."""
    if not task.head_version:
        return TaskHeads((), ())
    # Before the log: that then tells of each.
    promotions = learner.list_promotions(task.task_id)
    events = list(learner.list_events(task.task_id))
    classes = [each.name for each in task.class_details]
    heads = []
    for version, was_promoted in sorted(_kept(events, promotions).items()):
        try:
            backup = learner.back_up_head(task.task_id, version)
        except FailedPrecondition as error:
            if was_promoted or error.reason != "HEAD_VERSION_UNKNOWN":
                raise
            continue
        [trained] = (
            each
            for each in learner.list_rounds(task.task_id, version)[:1]
            if each.head_version == version
        )
        heads.append(DumpedHead(backup, label_origins(trained, events, classes)))
    return TaskHeads(tuple(heads), promotions)


def _kept(events: Iterable[TaskEvent], promotions: Iterable[Promotion]) -> dict[int, bool]:
    """Return the versions that are kept for ever, or may be, and whether they surely are."""
    versions: dict[int, bool] = {}
    for event in events:
        if event.kind is EventKind.HEAD_PROMOTED:
            versions[event.head_version] = True
        elif event.kind is EventKind.HEAD_TRAINED and not event.cutoff_event_id:
            # It came from a backup, where its name may have been taken off; or an old server.
            versions.setdefault(event.head_version, False)
    for each in promotions:
        versions |= {head.version: True for head in (each.head, *each.earlier)}
    return versions


def dump_task_heads(found: TaskHeads) -> dict[str, Any]:
    """Write what tells of the heads of a task."""
    return {
        "heads": [
            {
                "version": each.backup.version,
                "map_name": each.backup.map_name,
                "labels_by_class": each.origins and each.origins.by_class,
                "labels_by_oracle": each.origins and each.origins.by_oracle,
            }
            for each in found.heads
        ],
        "promotions": [
            {
                "promotion_id": each.promotion_id,
                "heads": [
                    {"version": head.version, "promote_time": head.promote_time.isoformat()}
                    for head in (each.head, *each.earlier)
                ],
            }
            for each in found.promotions
        ],
    }


def write_heads(writer: Any, task_id: str, found: TaskHeads) -> None:
    """Have a ParquetWriter write the heads of a task into the footer."""
    for each in found.heads:
        head, round_ = _keys(task_id, each.backup.version)
        contents = {head: each.backup.head, round_: each.backup.round}
        if each.backup.map_name:
            contents[_map_key(each.backup.map_name)] = each.backup.map
        writer.add_key_value_metadata(
            {key: b64encode(content).decode() for key, content in contents.items()}
        )


def load_task_heads(stored: Mapping[str, Any], footer: Mapping[bytes, bytes]) -> TaskHeads:
    """Read what was written of the heads of a task; in older dumps there is nothing."""
    heads = [
        DumpedHead(
            _load_backup(stored["task_id"], each, footer),
            None
            if each["labels_by_class"] is None
            else LabelOrigins(tuple(each["labels_by_class"]), each["labels_by_oracle"]),
        )
        for each in stored.get("heads", ())
    ]
    promotions = []
    for each in stored.get("promotions", ()):
        head, *earlier = (
            PromotedHead(one["version"], datetime.fromisoformat(one["promote_time"]))
            for one in each["heads"]
        )
        promotions.append(Promotion(each["promotion_id"], head, tuple(earlier)))
    return TaskHeads(tuple(heads), tuple(promotions))


def _load_backup(
    task_id: str, each: Mapping[str, Any], footer: Mapping[bytes, bytes]
) -> HeadBackup:
    version, map_name = each["version"], each["map_name"]
    head, round_ = (b64decode(footer[key.encode()]) for key in _keys(task_id, version))
    map_ = b64decode(footer[_map_key(map_name).encode()]) if map_name else b""
    return HeadBackup(version, map_name, head, map_, round_)


def _keys(task_id: str, version: int) -> tuple[str, str]:
    return f"aloe-head tasks/{task_id} {version}", f"aloe-round tasks/{task_id} {version}"


def _map_key(map_name: str) -> str:
    return f"aloe-map {map_name}"


def restore_heads(learner: LearnerClient, task_id: str, found: TaskHeads) -> list[str]:
    """Give a task its heads and their names back; return why some of them are not.

    What is there already is left as it is.
    """
    refused = {}
    for each in found.heads:
        try:
            learner.restore_head(task_id, each.backup, each.origins)
        except AlreadyExists as error:
            refused[each.backup.version] = (
                f"head {each.backup.version} of {task_id} is not restored: {error}"
            )
    named = {each.promotion_id: _history(each) for each in learner.list_promotions(task_id)}
    for promotion in found.promotions:
        history, there = _history(promotion), named.get(promotion.promotion_id, [])
        versions = [head.version for head in there]
        # What is there is left, unless a restore broke off in the middle of it.
        if versions != [head.version for head in history[: len(there)]]:
            continue
        for head in history[len(there) :]:
            if head.version not in refused:
                learner.promote_head(
                    task_id, promotion.promotion_id, head.version, promote_time=head.promote_time
                )
    return list(refused.values())


def _history(promotion: Promotion) -> list[PromotedHead]:
    """Return the heads that had a name, the first one first."""
    return [*reversed(promotion.earlier), promotion.head]
