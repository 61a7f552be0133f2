"""Attributes of clips, to and from their messages."""

from collections.abc import Mapping
from datetime import datetime

from aloe.v1 import attribute_pb2
from aloe.values.attributes import (
    NO_ATTRIBUTES,
    Attributes,
    AttributeValue,
    MalformedAttribute,
    check_attributes,
)
from aloe.wire.times import read_time, write_time


def read_attributes(messages: Mapping[str, attribute_pb2.AttributeValue]) -> Attributes:
    """Read attributes.

    Raises:
        ValueError: one is none, or they are too many or too long.
    """
    if not messages:
        return NO_ATTRIBUTES
    attributes = {name: _read_value(name, messages[name]) for name in sorted(messages)}
    check_attributes(attributes)
    return attributes


def write_attributes(attributes: Attributes) -> dict[str, attribute_pb2.AttributeValue]:
    """Write attributes, as the constructor of a message takes them."""
    return {name: _write_value(value) for name, value in attributes.items()}


def _read_value(name: str, message: attribute_pb2.AttributeValue) -> AttributeValue:
    match message.WhichOneof("value"):
        case "text":
            return message.text
        case "number":
            return message.number
        case "time":
            return read_time(message.time)
    raise MalformedAttribute(f"{name[:80]!r}: no value; give a text, a number or a time")


def _write_value(value: AttributeValue) -> attribute_pb2.AttributeValue:
    if isinstance(value, str):
        return attribute_pb2.AttributeValue(text=value)
    if isinstance(value, datetime):
        return attribute_pb2.AttributeValue(time=write_time(value))
    return attribute_pb2.AttributeValue(number=value)
