"""Attributes of clips, given at import or changed later, from their messages."""

from collections.abc import Sequence

from aloe.learner.domain.clip_changes import ClipUpdate
from aloe.learner.domain.errors import InvalidInput, Violation
from aloe.learner.rpc import fields
from aloe.v1 import pool_pb2
from aloe.values.attributes import NO_ATTRIBUTES, Attributes, check_name
from aloe.wire.attributes import read_attributes

MAX_SHOWN_VIOLATIONS = 20


def read_updates(messages: Sequence[pool_pb2.ClipUpdate], pool_id: str) -> list[ClipUpdate]:
    """Read changes to clips of a pool. Raises InvalidInput that blames each field at fault."""
    updates: list[ClipUpdate] = []
    violations: list[Violation] = []
    for index, message in enumerate(messages):
        try:
            updates.append(_read_update(message, pool_id, f"updates[{index}]"))
        except InvalidInput as error:
            violations += error.violations
    if violations:
        raise InvalidInput(*violations[:MAX_SHOWN_VIOLATIONS], count=len(violations))
    return updates


def read_given(message: pool_pb2.NewClip) -> Attributes:
    """Read the attributes of a clip to import. Raises InvalidInput."""
    # Most have none, and there may be very many.
    if not message.attributes:
        return NO_ATTRIBUTES
    return fields.parsed(read_attributes, message.attributes, "attributes")


def _read_update(message: pool_pb2.ClipUpdate, pool_id: str, field: str) -> ClipUpdate:
    name = fields.read_clip_name(message.name, f"{field}.name")
    if name.pool_id != pool_id:
        raise InvalidInput.of(f"{field}.name", f"{message.name} is not in pools/{pool_id}")
    attributes = fields.parsed(read_attributes, message.attributes, f"{field}.attributes")
    for place, removed in enumerate(message.removed_attributes):
        where = f"{field}.removed_attributes[{place}]"
        fields.parsed(check_name, removed, where)
        if removed in attributes:
            raise InvalidInput.of(where, f"{removed!r} is set as well; do one of the two")
    return ClipUpdate(name.clip_id, attributes, tuple(message.removed_attributes))
