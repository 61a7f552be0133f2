"""Labels of a task, all that it counts or none."""

from collections.abc import Iterator
from datetime import timedelta

from aloe.cli.console import CommandError
from aloe.client import LabelSet, LearnerClient, Split, StoredLabel, Task

_PATIENCE = timedelta(minutes=10)
"""For all labels, which may be a million."""
_MOST_LOOKED_AT = 100_000


def count_labels(learner: LearnerClient, task_id: str) -> int:
    """Return how many labels a task counts, abstentions and splits included."""
    counts = learner.get_task(task_id).clip_counts
    return counts.labeled + counts.abstained + counts.validation + counts.test


def all_labels(learner: LearnerClient, task_id: str, where: str = "") -> Iterator[StoredLabel]:
    """Yield the labels of a task, or those of clips that a filter takes.

    Raises:
        CommandError: at the end, fewer came than the task counted before and counts now.
    """
    if where:  # How many these are nobody counts.
        yield from learner.export_labels(task_id, where, timeout=_PATIENCE)
        return
    before, came = count_labels(learner, task_id), 0
    for label in learner.export_labels(task_id, timeout=_PATIENCE):
        came += 1
        yield label
    counted = min(before, count_labels(learner, task_id)) if came < before else before
    if came < counted:
        raise CommandError(
            f"{came:,} labels came of task {task_id}, which counts {counted:,}: they are not whole;"
            " `aloe doctor --repair` says what can be mended"
        )


def labels_by_class(learner: LearnerClient, task: Task) -> dict[str, int]:
    """Count the train labels of each class of a task; empty where there are none.

    So are those that are more than can be looked at while somebody waits.
    """
    if not 0 < task.clip_counts.labeled <= _MOST_LOOKED_AT:
        return {}
    counts = dict.fromkeys(task.classes, 0)
    for each in learner.export_labels(task.task_id, timeout=_PATIENCE):
        if each.split is Split.TRAIN and each.label is not None:
            for name in each.label.positive if isinstance(each.label, LabelSet) else (each.label,):
                if name in counts:  # Else it is retired.
                    counts[name] += 1
    return counts
