"""What a head predicts of the classes that its task has now, where these changed since."""

from dataclasses import dataclass, replace

import numpy as np

from aloe.learner.domain.arrays import Float32Array, IntArray
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import HeadNotTrained
from aloe.learner.domain.head import Head, shortened
from aloe.learner.domain.logistic import UNSEEN_BIAS
from aloe.learner.domain.task import MIN_LABELED_CLASSES, Task
from aloe.values.labels import LabelMode


@dataclass(frozen=True, slots=True, eq=False)
class FoldedHead:
    """A head that predicts active classes."""

    head: Head
    """Without the columns of classes that are retired: its softmax is over the others."""
    classes: tuple[int, ...]
    """Indices of the classes that it tells apart, ascending."""
    places: IntArray | None
    """(n_columns,) int64, where each column counts among `classes`; None where they are these."""

    def names(self, task: Task) -> tuple[str, ...]:
        """Return the names of `classes`."""
        return tuple(task.classes[index] for index in self.classes)

    def fold(self, probabilities: Float32Array) -> Float32Array:
        """Add the probabilities of what was merged; of several labels a clip the largest counts.

        Args:
            probabilities: (n_clips, n_columns) float32, of `head`.

        Returns:
            (n_clips, n_classes) float32
        """
        if self.places is None:
            return probabilities
        folded = np.zeros((len(probabilities), len(self.classes)), np.float32)
        join = np.maximum if self.head.label_mode is LabelMode.MULTIPLE else np.add
        for column, place in enumerate(self.places.tolist()):
            join(folded[:, place], probabilities[:, column], out=folded[:, place])
        return folded


def check_known(head: Head, task: Task) -> None:
    """Check that a head tells apart classes that its task has now.

    One that would not have been trained of the labels of these alone says of every clip that it is
    surely of the one class that it knows, or of one that it does not know.

    Raises:
        HeadNotTrained: it does not; the next one does.
    """
    if not task.class_details:
        return
    targets = task.class_table.targets[list(head.column_classes)]
    least = 1
    if task.label_mode is LabelMode.SINGLE:
        # Heads of older versions do not say; those of most recipes show it.
        is_unseen = (head.biases == np.float32(UNSEEN_BIAS)) & ~head.weights.any(axis=0)
        is_unseen[list(head.unseen)] = True
        targets, least = targets[~is_unseen], MIN_LABELED_CLASSES
    known_count = len(np.unique(targets[targets != NO_CLASS]))
    if known_count < least:
        raise HeadNotTrained(
            f"head {head.version} of tasks/{task.task_id} learned {known_count or 'none'} of the"
            f" classes that there are now, the others are retired or merged: label clips of"
            f" {'two of them' if least > 1 else 'them'}"
        )


def fold_head(head: Head, task: Task) -> FoldedHead:
    """Return what a head predicts of the classes that its task has now.

    Raises:
        HeadNotTrained: see check_known.
    """
    if not task.class_details:
        return FoldedHead(head, head.column_classes, None)
    check_known(head, task)
    targets = task.class_table.targets[list(head.column_classes)]
    kept = np.flatnonzero(targets != NO_CLASS)
    classes, places = np.unique(targets[kept], return_inverse=True)
    if len(kept) < len(targets):
        head = replace(
            head,
            weights=head.weights[:, kept],
            biases=head.biases[kept],
            class_indices=shortened([head.column_classes[column] for column in kept.tolist()]),
            unseen=(),
        )
    is_plain = np.array_equal(places, np.arange(len(places)))
    return FoldedHead(head, tuple(classes.tolist()), None if is_plain else places)
