"""Predictions for whole pools, to their messages."""

from collections.abc import AsyncIterator

import numpy as np

from aloe.learner.usecases.pool_predicting import PoolPrediction, PredictedBlock
from aloe.v1 import labeling_pb2, prediction_pb2
from aloe.values.labels import LabelSet
from aloe.values.states import ClipState
from aloe.wire.arrays import encode_matrix
from aloe.wire.enums import CLIP_STATES
from aloe.wire.labels import encode_labels

_NUMBERS = np.zeros(max(ClipState) + 1, np.int64)
"""Of states on the wire, by those of the learner."""
_NUMBERS[list(ClipState)] = [CLIP_STATES.number(each) for each in ClipState]


async def write_pool_prediction(
    prediction: PoolPrediction,
) -> AsyncIterator[prediction_pb2.PredictPoolResponse]:
    """Write what is predicted for a pool, at least one message."""
    task = prediction.task
    is_same = prediction.classes == tuple(range(len(task.classes)))
    message = prediction_pb2.PredictPoolResponse(
        classes=[task.classes[index] for index in prediction.classes],
        label_classes=() if is_same else task.classes,
        head_version=prediction.head_version,
        clip_count=prediction.clip_count,
        expected_error=prediction.expected_error,
        thresholds=prediction.thresholds,
    )
    async for block in prediction.blocks:
        _write_block(block, message)
        yield message
        message = prediction_pb2.PredictPoolResponse(head_version=prediction.head_version)
    if not prediction.clip_count:
        yield message


def _write_block(block: PredictedBlock, message: prediction_pb2.PredictPoolResponse) -> None:
    message.clip_ids.extend(block.clip_ids)
    message.clip_numbers.extend(block.rows.tolist())
    message.probabilities.CopyFrom(encode_matrix(block.probabilities))
    message.states.extend(_NUMBERS[block.states].tolist())
    message.label_indices.extend(block.class_indices.tolist())
    message.labels.extend(
        encode_labels(each) if isinstance(each, LabelSet) else labeling_pb2.LabelSet()
        for each in block.labels
    )
    if block.accepted is not None:
        message.accepted.extend(block.accepted.tolist())
