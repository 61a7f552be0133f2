"""Sets of labels, to and from their messages."""

from aloe.v1 import labeling_pb2
from aloe.values.labels import LabelSet


def encode_labels(labels: LabelSet) -> labeling_pb2.LabelSet:
    """Write a set of labels."""
    return labeling_pb2.LabelSet(
        positive=labels.positive, negative=labels.negative, unknown=labels.unknown
    )


def decode_labels(message: labeling_pb2.LabelSet) -> LabelSet:
    """Read a set of labels."""
    return LabelSet(tuple(message.positive), tuple(message.negative), tuple(message.unknown))
