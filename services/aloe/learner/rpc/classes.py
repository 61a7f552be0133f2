"""Classes of tasks and changes of them, to and from their messages."""

from collections.abc import Sequence

from aloe.learner.domain.classes import ClassTable
from aloe.learner.domain.errors import InvalidInput
from aloe.v1 import class_change_pb2, class_pb2
from aloe.values.classes import (
    AddClass,
    ClassChange,
    DescribeClass,
    MergeClass,
    RenameClass,
    RestoreClass,
    RetireClass,
)
from aloe.wire import times
from aloe.wire.enums import CLASS_STATES


def read_change(request: class_change_pb2.ChangeClassesRequest) -> ClassChange:
    """Read a change. Raises InvalidInput where there is none; what is in it is checked later."""
    match request.WhichOneof("change"):
        case "add":
            add = request.add
            return AddClass(add.name, add.description, add.hotkey)
        case "rename":
            return RenameClass(request.rename.name, request.rename.new_name)
        case "merge":
            return MergeClass(request.merge.name, request.merge.into)
        case "retire":
            return RetireClass(request.retire.name)
        case "restore":
            return RestoreClass(request.restore.name)
        case "describe":
            return _read_description(request.describe)
        case _:
            raise InvalidInput.of(
                "change", "unset; give add, rename, merge, retire, restore or describe"
            )


def _read_description(message: class_change_pb2.DescribeClass) -> DescribeClass:
    if not (message.HasField("description") or message.HasField("hotkey")):
        raise InvalidInput.of("describe", "changes nothing; give a description or a hotkey")
    return DescribeClass(
        message.name,
        message.description if message.HasField("description") else None,
        message.hotkey if message.HasField("hotkey") else None,
    )


def write_classes(table: ClassTable) -> Sequence[class_pb2.TaskClass]:
    return [
        class_pb2.TaskClass(
            name=name,
            state=CLASS_STATES.number(each.state),
            merged_into="" if each.merged_into is None else table.names[each.merged_into],
            description=each.description,
            hotkey=each.hotkey,
            former_names=each.former_names,
            add_time=times.write_time(each.add_time) if each.add_time else None,
        )
        for name, each in zip(table.names, table.details, strict=True)
    ]
