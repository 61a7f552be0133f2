"""What became of a task's classes, in a backup and out of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aloe.client import (
    ClassChange,
    ClassState,
    DescribeClass,
    MergeClass,
    RetireClass,
    Task,
    TaskClass,
)


def dump_classes(task: Task) -> list[dict[str, Any]]:
    """Write all classes that a task ever had. Former names, and when a class came, are left out."""
    return [
        {
            "name": each.name,
            "state": each.state.value,
            "merged_into": each.merged_into,
            "description": each.description,
            "hotkey": each.hotkey,
        }
        for each in task.class_details
    ]


def load_changes(stored: Sequence[Mapping[str, Any]]) -> list[ClassChange]:
    """Return what makes the classes of dump_classes of as many new ones, in order."""
    return list(_changes({each["name"]: each for each in stored}))


def _changes(classes: Mapping[str, Mapping[str, Any]]) -> Iterator[ClassChange]:
    for name, each in classes.items():
        if each["description"] or each["hotkey"]:
            yield DescribeClass(name, each["description"], each["hotkey"])

    def depth(name: str) -> int:
        into = classes[name]["merged_into"]
        return 0 if into is None else 1 + depth(into)

    # A class takes up others only while it is active itself.
    for name in sorted(classes, key=depth, reverse=True):
        if classes[name]["merged_into"] is not None:
            yield MergeClass(name, classes[name]["merged_into"])
    for name, each in classes.items():
        if each["state"] == ClassState.RETIRED.value:
            yield RetireClass(name)


def retired_of(details: Sequence[TaskClass]) -> set[str]:
    """Return the names of the classes that take no labels."""
    return {each.name for each in details if each.state is ClassState.RETIRED}
