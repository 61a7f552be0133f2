"""Predictions for whole pools: blocks of a stream that goes on where it broke off."""

from collections.abc import Iterator

import numpy as np

from aloe.client import types
from aloe.client.operations.fields import head_text, task_name, uint64
from aloe.client.operations.operation import StreamOperation
from aloe.v1 import prediction_pb2 as pb
from aloe.wire.arrays import decode_matrix
from aloe.wire.enums import CLIP_STATES
from aloe.wire.labels import decode_labels


def predict_pool(
    task_id: str,
    head: int | str,
    min_clip_number: int,
    max_expected_error: float | None,
    filter: str = "",
) -> StreamOperation[types.PoolPredictions]:
    """Predict for all clips of a task's pool from a clip number on."""
    task, first = task_name(task_id), uint64("min_clip_number", min_clip_number)

    def request(asked: str, number: int) -> pb.PredictPoolRequest:
        return pb.PredictPoolRequest(
            task=task,
            head=asked,
            min_clip_number=number,
            max_expected_error=max_expected_error,
            filter=filter,
        )

    reader = _Reader(asks_to_accept=max_expected_error is not None)
    return StreamOperation(
        "PredictPool",
        request(head_text(head), first),
        reader.read,
        key=lambda block: str(block.clip_numbers[-1]),
        # By the same head, whatever was trained or promoted meanwhile.
        after=lambda last: request(str(last.head_version), int(last.clip_numbers[-1]) + 1),
    )


class _Reader:
    """Reads the messages of a stream; what holds for all of them stands in its first one."""

    def __init__(self, *, asks_to_accept: bool) -> None:
        self._asks_to_accept = asks_to_accept
        self._classes: tuple[str, ...] = ()
        self._label_classes: tuple[str, ...] = ()
        self._clip_count: int | None = None
        self._expected_error: float | None = None
        self._thresholds: tuple[float, ...] = ()

    def read(self, message: pb.PredictPoolResponse) -> Iterator[types.PoolPredictions]:
        """Yield a block, or nothing of a pool without clips. Raises ValueError if it is none."""
        if self._clip_count is None:
            self._clip_count = message.clip_count
            if message.HasField("expected_error"):
                self._expected_error = message.expected_error
            self._classes = tuple(message.classes)
            self._label_classes = tuple(message.label_classes) or self._classes
            self._thresholds = tuple(message.thresholds)
        count = len(message.clip_ids)
        if not count:
            return
        probabilities = decode_matrix(message.probabilities)
        accepted = np.array(message.accepted, np.bool_) if self._asks_to_accept else None
        counts = [
            len(message.clip_numbers),
            len(message.states),
            len(message.label_indices),
            len(probabilities),
            count if accepted is None else len(accepted),
            len(message.labels) if self._thresholds else count,
        ]
        if set(counts) != {count}:
            raise ValueError(f"{counts} values for {count} clips")
        if probabilities.shape[1] != len(self._classes):
            raise ValueError(f"{probabilities.shape[1]} columns, {len(self._classes)} classes")
        yield types.PoolPredictions(
            clip_ids=tuple(message.clip_ids),
            clip_numbers=np.fromiter(message.clip_numbers, np.int64, count),
            probabilities=probabilities,
            classes=self._classes,
            label_classes=self._label_classes,
            states=CLIP_STATES.members(message.states, "states"),
            label_indices=np.fromiter(message.label_indices, np.int64, count),
            accepted=accepted,
            head_version=message.head_version,
            clip_count=self._clip_count,
            expected_error=self._expected_error,
            thresholds=self._thresholds,
            known_labels=tuple(map(decode_labels, message.labels)),
        )
