"""Settings that come in several kinds: a oneof on the wire, a tagged object in JSON."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from aloe.wire.errors import MalformedValue

V = TypeVar("V")
M = TypeVar("M", bound=Message)


class Variants(Generic[V, M]):
    """The kinds of a setting: a dataclass for each field of the oneof, by the field's name.

    A dataclass's fields are named like those of its message. A field that is a tuple holds more
    values of these kinds.
    """

    def __init__(self, kinds: Mapping[str, type[V]], message: type[M], oneof: str) -> None:
        self._kinds, self._message, self._oneof = kinds, message, oneof
        self._names = {kind: name for name, kind in kinds.items()}

    def encode(self, value: V, field: str) -> M:
        """Write a value.

        Raises:
            MalformedValue: a number does not fit its field; the path begins with `field`.
        """
        message = self._message()
        self._fill(message, value, field)
        return message

    def decode(self, message: M, field: str, *, default: V | None = None) -> V:
        """Read a value; a setting that is unset has its default.

        Raises:
            MalformedValue: no known kind is set, and there is no default.
        """
        name = message.WhichOneof(self._oneof)
        if name is None and default is not None:
            return default
        if name not in self._kinds:
            raise MalformedValue(field, f"unset or unknown; give one of {', '.join(self._kinds)}")
        kind, given = self._kinds[name], getattr(message, name)
        settings: dict[str, Any] = {}
        for each in fields(kind):  # type: ignore[arg-type]
            descriptor = given.DESCRIPTOR.fields_by_name[each.name]
            if descriptor.message_type is not None:
                settings[each.name] = tuple(
                    self.decode(inner, f"{field}.{name}.{each.name}[{index}]")
                    for index, inner in enumerate(getattr(given, each.name))
                )
            elif not descriptor.has_presence or given.HasField(each.name):
                settings[each.name] = getattr(given, each.name)
        return kind(**settings)

    def dump(self, value: V) -> dict[str, Any]:
        """Write a value for JSON: its settings beside {oneof: kind}."""
        return {
            self._oneof: self._names[type(value)],
            **{
                each.name: _each(self.dump, getattr(value, each.name))
                for each in fields(value)  # type: ignore[arg-type]
            },
        }

    def load(self, tagged: Mapping[str, Any]) -> V:
        """Read what dump wrote."""
        settings = {
            name: tuple(map(self.load, value)) if isinstance(value, list | tuple) else value
            for name, value in tagged.items()
            if name != self._oneof
        }
        return self._kinds[tagged[self._oneof]](**settings)

    def _fill(self, message: Any, value: V, field: str) -> None:
        name = self._names[type(value)]
        target = getattr(message, name)
        # Chooses the kind even where no setting of it is written.
        target.SetInParent()
        for each in fields(value):  # type: ignore[arg-type]
            setting, path = getattr(value, each.name), f"{field}.{name}.{each.name}"
            if isinstance(setting, tuple):
                for index, inner in enumerate(setting):
                    self._fill(getattr(target, each.name).add(), inner, f"{path}[{index}]")
            else:
                _set(target, each.name, setting, path)


def _each(write: Any, setting: Any) -> Any:
    return [write(inner) for inner in setting] if isinstance(setting, tuple) else setting


def _set(message: Any, name: str, value: Any, path: str) -> None:
    try:
        setattr(message, name, value)
    except (TypeError, ValueError) as error:
        raise MalformedValue(path, f"{value!r} does not fit: {error}") from error
