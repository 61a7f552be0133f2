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


def unlabeled_classes(learner: LearnerClient, task: Task) -> list[str]:
    """Return the classes of a task that no train label names, as long as it has some labels.

    Of more labels than can be looked at while somebody waits, nothing is said.
    """
    if not 0 < task.clip_counts.labeled <= _MOST_LOOKED_AT:
        return []
    lacking = dict.fromkeys(task.classes)
    for each in learner.export_labels(task.task_id, timeout=_PATIENCE):
        if each.split is Split.TRAIN and each.label is not None:
            named = each.label.positive if isinstance(each.label, LabelSet) else (each.label,)
            for name in named:
                lacking.pop(name, None)
        if not lacking:
            break
    return list(lacking)
