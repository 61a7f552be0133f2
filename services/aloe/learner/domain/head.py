"""The head: a linear classifier on embeddings, by a softmax or a sigmoid for each class."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aloe.learner.domain.alignment import aligned_empty
from aloe.learner.domain.arrays import Float32Array, Int16Array
from aloe.learner.domain.kernels.tile import CLASS_TILE
from aloe.values.labels import LabelMode


@dataclass(frozen=True, slots=True)
class Head:
    """softmax(x @ weights + biases), of what x the head reads of a clip.

    In tasks of several labels a clip it is the sigmoid of each instead.
    """

    version: int
    weights: Float32Array
    """(dim, n_classes) float32"""
    biases: Float32Array
    """(n_classes,) float32"""
    map_name: str = ""
    """Of the pool's map that it reads; empty for the embeddings themselves."""
    class_indices: tuple[int, ...] = ()
    """Of the columns, ascending; none where they are the first classes of the task, in order."""
    label_mode: LabelMode = LabelMode.SINGLE
    unseen: tuple[int, ...] = ()
    """Columns of classes that no label was of when it was trained, ascending; none of several
    labels a clip, nor of heads of older versions."""
    packed_weights: Float32Array = field(init=False, repr=False, compare=False)
    """(n_padded_classes, embedding_dim) float32, read-only: one class a row, for the kernels"""
    packed_biases: Float32Array = field(init=False, repr=False, compare=False)
    """(n_padded_classes,) float32, read-only"""

    def __post_init__(self) -> None:
        """Pack once for all uses."""
        for name, by_class in (("packed_weights", self.weights.T), ("packed_biases", self.biases)):
            packed = pack(by_class)
            packed.flags.writeable = False
            object.__setattr__(self, name, packed)

    @property
    def column_classes(self) -> tuple[int, ...]:
        """The class index of each column."""
        return self.class_indices or tuple(range(len(self.biases)))

    def classes_at(self, columns: Int16Array) -> Int16Array:
        """Return the class indices of columns, (n,) int16."""
        if not self.class_indices:
            return columns
        return np.array(self.class_indices, np.int16)[columns]


def is_same_head(head: Head | None, other: Head) -> bool:
    """Whether a head is there, and the same as another to the last bit."""
    return (
        head is not None
        and (head.version, head.map_name, head.column_classes)
        == (other.version, other.map_name, other.column_classes)
        and head.weights.tobytes() == other.weights.tobytes()
        and head.biases.tobytes() == other.biases.tobytes()
    )


def shortened(class_indices: Sequence[int]) -> tuple[int, ...]:
    """Return class indices as a head has them: none for the first classes, in order."""
    is_plain = list(class_indices) == list(range(len(class_indices)))
    return () if is_plain else tuple(class_indices)


def pack(by_class: Float32Array) -> Float32Array:
    """Copy an array of one class a row, padded with rows of zeros to whole tiles of classes."""
    class_count = len(by_class)
    padded = -(-class_count // CLASS_TILE) * CLASS_TILE
    packed = aligned_empty((padded, *by_class.shape[1:]))
    packed[:class_count], packed[class_count:] = by_class, 0
    return packed
