"""Labels in Redis: what oracles answer and what is imported."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.scripts import guarded, reading
from aloe.learner.adapters.redis.task_scripts import TaskKeys, TaskScripts, milliseconds
from aloe.learner.adapters.refusals import ANSWERS, MOST_CONFLICTS_SHOWN
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.leases import LabelChange, LabelsOutcome, StoredLabel
from aloe.learner.domain.task import Task
from aloe.learner.ports.tasks import REQUEST_LIFE
from aloe.values.states import ClipState

_LABELS_AT_ONCE = 10_000
"""Read in some 30 ms; then others have their turn."""
_ROWS_PER_EVENT = 1_000
"""Retired or dropped at once; many more would keep Redis from others."""


class RedisAnswers(TaskScripts):
    """What a TaskStore does with labels."""

    @guarded
    async def submit(
        self,
        task: Task,
        oracle_id: str,
        answers: Sequence[tuple[str, int | ClassSet]],
        request_id: str,
    ) -> LabelsOutcome:
        reply = await self._change(
            task,
            "submit",
            oracle_id,
            json.dumps([(lease_id, _dumped(answer)) for lease_id, answer in answers]),
            milliseconds(REQUEST_LIFE),
            task.class_mark,
            request_key=_request_key(request_id),
            fields=ANSWERS,
        )
        return _outcome(reply)

    @guarded
    async def submitted(self, task: Task, request_id: str) -> LabelsOutcome | None:
        replies = await self._fetch(task, "read_request", request_key=_request_key(request_id))
        return _outcome(json.loads(replies[0])) if replies else None

    @guarded
    async def import_labels(
        self,
        task: Task,
        labels: Sequence[LabelChange],
        *,
        replace: bool = False,
        validate_only: bool = False,
    ) -> LabelsOutcome:
        changes = json.dumps(
            [
                [
                    label.row,
                    label.state,
                    codec.dump_class(label.class_index, label.class_set),
                    label.oracle_id,
                    None if label.label_time is None else codec.dump_time(label.label_time),
                    label.content_hash,
                    *([1] if label.is_audit else []),
                ]
                for label in labels
            ]
        )
        reply = await self._change(
            task,
            "import_labels",
            changes,
            int(replace),
            int(validate_only),
            MOST_CONFLICTS_SHOWN,
            task.class_mark,
        )
        return _outcome(reply)

    @guarded
    async def retire_rows(self, task: Task, rows: Sequence[int]) -> None:
        for begin in range(0, max(1, len(rows)), _ROWS_PER_EVENT):
            some = list(rows[begin : begin + _ROWS_PER_EVENT])
            await self._change(task, "retire_rows", json.dumps(some))

    @guarded
    async def drop_strays(self, task: Task, contents: Mapping[int, str | None]) -> int:
        pairs = [(row, text or "") for row, text in contents.items()]
        count = 0
        for begin in range(0, max(1, len(pairs)), _ROWS_PER_EVENT):
            some = json.dumps(pairs[begin : begin + _ROWS_PER_EVENT])
            count += (await self._change(task, "drop_strays", some))["dropped"]
        return count

    @guarded
    async def read_labels(self, task: Task) -> list[StoredLabel]:
        flat = await self._fetch(task, "read_labels", task.class_mark)
        labels: list[StoredLabel] = []
        for begin in range(0, len(flat), 2 * _LABELS_AT_ONCE):
            some = flat[begin : begin + 2 * _LABELS_AT_ONCE]
            with reading(TaskKeys(task.task_id).labels):
                pairs = zip(some[::2], some[1::2], strict=True)
                labels += [_label(task, int(row), text) for row, text in pairs]
            await asyncio.sleep(0)
        there = [label for label in labels if label.state is not ClipState.RETIRED]
        return sorted(there, key=lambda label: label.row)


def _label(task: Task, row: int, text: bytes) -> StoredLabel:
    state, stored, time_ms, oracle_id, _, *rest = json.loads(text)
    # Labels of older servers have neither, and only those of clips drawn at random have the second.
    content_hash = rest[0] if rest else ""
    is_audit = len(rest) > 1 and rest[1] == 1
    codec.check_row(row)
    codec.check_texts(oracle_id, content_hash)
    class_index, class_set = codec.load_class(stored, task)
    time = codec.time_of_ms(time_ms)
    return StoredLabel(
        row, ClipState(state), class_index, oracle_id, time, content_hash, is_audit, class_set
    )


def _request_key(request_id: str) -> str:
    return f"submit:{request_id}"


def _dumped(answer: int | ClassSet) -> int | str:
    return answer if isinstance(answer, int) else codec.dump_class(NO_CLASS, answer)


def _outcome(reply: dict[str, Any]) -> LabelsOutcome:
    return LabelsOutcome(
        reply["changed"], reply.get("version"), reply["labels"], reply.get("replaced", 0)
    )
