"""What became of a task's classes, as JSON within its settings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aloe.learner.domain.classes import ClassDetails
from aloe.learner.domain.task import Task


def dump_class_life(task: Task) -> dict[str, Any]:
    """Write what became of a task's classes; nothing where nothing did."""
    if not task.class_details:
        return {}
    details = [
        {
            "merged_into": each.merged_into,
            "is_retired": each.is_retired,
            "description": each.description,
            "hotkey": each.hotkey,
            "former_names": each.former_names,
            "add_time": each.add_time and each.add_time.isoformat(),
        }
        for each in task.class_details
    ]
    return {"class_details": details, "class_mark": task.class_mark}


def load_class_details(spec: Mapping[str, Any]) -> tuple[ClassDetails, ...]:
    """Read what dump_class_life wrote; none where nothing became of them.

    Raises:
        ValueError and what else codec.UNREADABLE names: no server of ours wrote it.
    """
    details = tuple(map(_load, spec.get("class_details", ())))
    if details and len(details) != len(spec["classes"]):
        raise ValueError(f"{len(details)} details of {len(spec['classes'])} classes")
    _check_merges(details)
    return details


def _load(stored: Mapping[str, Any]) -> ClassDetails:
    texts = stored["description"], stored["hotkey"], *stored["former_names"]
    if not all(isinstance(each, str) for each in texts):
        raise ValueError(f"{texts!r:.80} are no texts")
    return ClassDetails(
        stored["merged_into"],
        stored["is_retired"],
        stored["description"],
        stored["hotkey"],
        tuple(stored["former_names"]),
        datetime.fromisoformat(stored["add_time"]) if stored["add_time"] else None,
    )


def _check_merges(details: Sequence[ClassDetails]) -> None:
    """Raise ValueError where a class is merged into none that there is, or into itself."""
    for index in range(len(details)):
        at, step_count = index, 0
        while (merged_into := details[at].merged_into) is not None:
            step_count += 1
            if not 0 <= merged_into < len(details) or step_count > len(details):
                raise ValueError(f"class {index} is merged into none that there is")
            at = merged_into
