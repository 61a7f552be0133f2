"""Classes of tasks, from their messages."""

from collections.abc import Iterable

from aloe.client import types
from aloe.client.operations.fields import parse_time
from aloe.v1 import class_pb2
from aloe.wire.enums import CLASS_STATES


def parse_classes(messages: Iterable[class_pb2.TaskClass]) -> tuple[types.TaskClass, ...]:
    """Raises ValueError where a part is unknown here."""
    return tuple(
        types.TaskClass(
            name=each.name,
            state=CLASS_STATES.member(each.state, "state"),
            merged_into=each.merged_into or None,
            description=each.description,
            hotkey=each.hotkey,
            former_names=tuple(each.former_names),
            add_time=parse_time(each.add_time) if each.HasField("add_time") else None,
        )
        for each in messages
    )
