"""Labels by the names of their classes, as they are given, and as a task keeps them."""

from collections.abc import Iterator

from aloe.learner.domain.errors import InvalidInput, Violation
from aloe.learner.domain.label_sets import ClassSet, class_set, counted
from aloe.learner.domain.task import Task
from aloe.values.labels import Label, LabelMode, LabelSet, Unmentioned


def class_of(task: Task, label: Label, field: str) -> int | ClassSet:
    """Return the class that a label names, or of several labels a clip all that it says now.

    A class that was merged is kept as such: it counts as the other one.

    Args:
        task: the task.
        label: as it was given.
        field: where it was, less "label" or "labels".

    Raises:
        InvalidInput: a name is of no class, or stands twice; the task takes labels of the other
            kind; or several labels say nothing.
    """
    is_several = task.label_mode is LabelMode.MULTIPLE
    if isinstance(label, str):
        if is_several:
            raise InvalidInput.of(
                f"{field}label",
                f"tasks/{task.task_id} is of several labels a clip: give labels, a set of classes",
            )
        return task.class_index(label, f"{field}label")
    if not is_several:
        raise InvalidInput.of(
            f"{field}labels", f"tasks/{task.task_id} is of one label a clip: give label"
        )
    return _class_set(task, label, f"{field}labels")


def named_set(task: Task, classes: ClassSet) -> LabelSet:
    """Return what class_of made a set of.

    Merged classes go by the names of those that they were merged into. It leaves out the classes of
    which holds what the task says of them, and retired ones that the clip is not of.
    """
    table = task.class_table
    said = counted(classes, table.shown_indices)
    positive = tuple(table.names[index] for index in said.positive)
    if task.unmentioned is Unmentioned.UNKNOWN:
        negative = (index for index in said.negative if index in table.active)
        return LabelSet(positive, tuple(table.names[index] for index in negative))
    known = {*said.positive, *said.negative}
    unknown = (index for index in table.active if index not in known)
    return LabelSet(positive, unknown=tuple(table.names[index] for index in unknown))


def _class_set(task: Task, labels: LabelSet, field: str) -> ClassSet:
    indices: dict[str, list[int]] = {}
    places: dict[int, str] = {}
    violations: list[Violation] = []
    for part, place, name in _names(labels):
        path = f"{field}.{part}[{place}]"
        try:
            index = task.class_index(name, path)
        except InvalidInput as error:
            violations += error.violations
            continue
        if index in places:
            violations.append(Violation(path, f"{name!r} stands in {places[index]} already"))
        places.setdefault(index, f"{part}[{place}]")
        indices.setdefault(part, []).append(index)
    if violations:
        raise InvalidInput(*violations)
    # Merged classes as they were given: they count as the others, and may be restored.
    positive, negative = indices.get("positive", []), indices.get("negative", [])
    if task.unmentioned is Unmentioned.NEGATIVE:
        table = task.class_table
        negative += set(table.active) - set(map(table.target, places))
    if not positive and not negative:
        raise InvalidInput.of(field, "nothing is said of any class; abstain instead")
    return class_set(positive, negative)


def _names(labels: LabelSet) -> Iterator[tuple[str, int, str]]:
    for part in ("positive", "negative", "unknown"):
        for place, name in enumerate(getattr(labels, part)):
            yield part, place, name
