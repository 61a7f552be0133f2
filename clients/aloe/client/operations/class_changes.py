"""Changes of the classes of a task."""

from aloe.client import types
from aloe.client.operations.fields import task_name
from aloe.client.operations.operation import Operation
from aloe.client.operations.tasks import parse_task
from aloe.v1 import class_change_pb2 as pb


def change_classes(task_id: str, change: types.ClassChange) -> Operation[types.ChangeClassesResult]:
    request = _encode(change)
    request.task = task_name(task_id)
    return Operation(
        "ChangeClasses",
        request,
        lambda response: types.ChangeClassesResult(
            parse_task(response.task),
            response.head_version if response.HasField("head_version") else None,
        ),
    )


def _encode(change: types.ClassChange) -> pb.ChangeClassesRequest:
    match change:
        case types.AddClass(name, description, hotkey):
            added = pb.AddClass(name=name, description=description, hotkey=hotkey)
            return pb.ChangeClassesRequest(add=added)
        case types.RenameClass(name, new_name):
            renamed = pb.RenameClass(name=name, new_name=new_name)
            return pb.ChangeClassesRequest(rename=renamed)
        case types.MergeClass(name, into):
            return pb.ChangeClassesRequest(merge=pb.MergeClass(name=name, into=into))
        case types.RetireClass(name):
            return pb.ChangeClassesRequest(retire=pb.RetireClass(name=name))
        case types.RestoreClass(name):
            return pb.ChangeClassesRequest(restore=pb.RestoreClass(name=name))
        case types.DescribeClass(name, description, hotkey):
            said = pb.DescribeClass(name=name, description=description, hotkey=hotkey)
            return pb.ChangeClassesRequest(describe=said)
