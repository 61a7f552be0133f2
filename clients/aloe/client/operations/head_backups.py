"""Heads as bytes, out of a task and into another one."""

from aloe.client import types
from aloe.client.calls.translate import invalid_field
from aloe.client.operations.fields import task_name, uint32
from aloe.client.operations.operation import Operation
from aloe.v1 import head_pb2


def head_bytes(task_id: str, version: int) -> Operation[types.HeadBackup]:
    """Ask for a head; of what comes its round is missing."""
    request = head_pb2.ExportHeadRequest(
        task=task_name(task_id), head_version=uint32("version", version)
    )
    return Operation("ExportHead", request, lambda response: _parse_head(response.head))


def round_bytes(task_id: str, version: int) -> Operation[bytes]:
    request = head_pb2.ListRoundsRequest(
        task=task_name(task_id), min_head_version=uint32("version", version), page_size=1
    )
    return Operation("ListRounds", request, lambda response: _parse_round(response, version))


def restore_head(
    task_id: str, backup: types.HeadBackup, label_origins: types.LabelOrigins | None
) -> Operation[None]:
    """Send a head. Raises InvalidArgument where its bytes are none."""
    request = head_pb2.RestoreHeadRequest(task=task_name(task_id))
    try:
        request.head.ParseFromString(backup.head)
        if backup.map:
            request.head.map.ParseFromString(backup.map)
        request.round.ParseFromString(backup.round)
    except Exception as error:  # Of protobuf, by the implementation that is installed.
        raise invalid_field("backup", f"its bytes are no head: {error}") from error
    if label_origins is not None:
        request.round.label_origins.CopyFrom(
            head_pb2.LabelOrigins(
                class_label_counts=label_origins.by_class,
                oracles=[
                    head_pb2.OracleLabels(oracle_id=oracle_id, label_count=count)
                    for oracle_id, count in label_origins.by_oracle.items()
                ],
            )
        )
    return Operation("RestoreHead", request, lambda _: None)


def _parse_head(message: head_pb2.Head) -> types.HeadBackup:
    map_bytes = message.map.SerializeToString(deterministic=True)
    message.ClearField("map")
    return types.HeadBackup(
        message.version, message.map_name, message.SerializeToString(), map_bytes
    )


def _parse_round(response: head_pb2.ListRoundsResponse, version: int) -> bytes:
    for each in response.rounds:
        if each.head_version == version:
            # What only one server knows, and only for a while.
            each.ClearField("head_times")
            each.ClearField("stop_advice")
            return each.SerializeToString()
    raise ValueError(f"no round of head {version}")
