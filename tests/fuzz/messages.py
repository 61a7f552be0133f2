"""Random messages, made by walking descriptors: a new field is filled without being named here."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

MAX_DEPTH = 6
WILD_TEXTS = [
    *("", "\0", "*", "-", "-1", "0-0", "9" * 12, "9" * 5_000, "99999999999999999999"),
    # Digits of another script, and what is a digit but no number.
    *("\u0661-\u0661", "\u0663", "\u00b2"),
    *("../../etc/passwd", "'; DROP TABLE clips; --", "{pool:x}", "%s%n${HOME}", "a\nb", "a\tb"),
    *("tasks/", "pools/x/clips/y", "tasks/x", "pools/x", "file:///etc/passwd", "file:///x\u2028y"),
    *("\u202e\N{PILE OF POO}", "e\u0301", "\u00e9", "\ufeff", "\uffff", "\x7f", "\x85"),
    *("a" * 128, "a" * 129, "a" * 256, "a" * 257, "a" * 2_048, "a" * 2_049, "\u0436" * 70_000),
]
WILD_NUMBERS: dict[int, list[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: [False, True],
    FieldDescriptor.CPPTYPE_ENUM: [0, 1, 2, 7, 1_000, -1],
    FieldDescriptor.CPPTYPE_UINT32: [0, 1, 8, 10_000, 10_001, 65_536, 65_537, 2**31, 2**32 - 1],
    FieldDescriptor.CPPTYPE_UINT64: [0, 1, 10**9, 10**9 + 1, 2**53 + 1, 2**63, 2**64 - 1],
    FieldDescriptor.CPPTYPE_INT32: [0, 1, 999_999_999, 10**9, 2**31 - 1, -1, -(2**31)],
    # Days, ten years, and the ends of the calendar, before and behind.
    FieldDescriptor.CPPTYPE_INT64: [
        *(0, 1, 86_400, 86_401, 315_360_000, 315_360_001, 10**11, 2**63 - 1, -(2**63)),
        *(-1, -62_135_596_800, -62_135_596_801, 253_402_300_799, 253_402_300_800),
    ],
    FieldDescriptor.CPPTYPE_DOUBLE: [
        *(0.0, -0.0, -1.0, 5e-324, 1e-300, 10.0, math.nextafter(10.0, 11.0), 1.0, 1e6, 1e308),
        *(math.nan, math.inf, -math.inf),
    ],
}
TAME_NUMBERS: dict[int, list[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: [False, True],
    FieldDescriptor.CPPTYPE_UINT32: [1, 2, 3, 30],
    FieldDescriptor.CPPTYPE_UINT64: [1, 2, 3, 1_000],
    FieldDescriptor.CPPTYPE_INT32: [0, 1, 1_000, 123_456_789, 999_999_999],
    FieldDescriptor.CPPTYPE_INT64: [1, 2, 60, 3_599],
    FieldDescriptor.CPPTYPE_DOUBLE: [1.0, 0.5, 0.1, 1 / 3],
}
_BYTE_COUNTS = [0, 1, 4, 32, 1_000]


class Maker:
    """Makes messages: tame values for the most part, which get past checks, and wild ones."""

    def __init__(
        self,
        generator: random.Random,
        tame_texts: Mapping[str, Sequence[str]],
        *,
        wildness: float,
        fullness: float = 0.6,
    ) -> None:
        """Take the source of chance.

        Args:
            generator: it.
            tame_texts: strings that are right in a field, by the field's name.
            wildness: part of the values that are wild, 0 to 1.
            fullness: part of the fields that are set, 0 to 1.
        """
        self._generator, self._tame_texts = generator, tame_texts
        self._wildness, self._fullness = wildness, fullness

    def make(self, descriptor: Descriptor, depth: int = 0) -> Message:
        """Make a message of a type."""
        message: Message = GetMessageClass(descriptor)()
        for field in self._chosen(descriptor):
            # Messages that hold others of their kind end somewhere.
            if depth < MAX_DEPTH and self._generator.random() < self._fullness:
                self._set(message, field, depth)
        return message

    def _chosen(self, descriptor: Descriptor) -> list[FieldDescriptor]:
        """Return the fields that may be set together: one of each oneof."""
        alone = [field for field in descriptor.fields if field.containing_oneof is None]
        return alone + [self._generator.choice(oneof.fields) for oneof in descriptor.oneofs]

    def _set(self, message: Any, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entry: Any = self._value(field, depth)
            getattr(message, field.name)[entry.key].CopyFrom(entry.value)
        elif field.is_repeated:
            count = self._generator.choice([1, 1, 2, 3])
            getattr(message, field.name).extend(self._value(field, depth) for _ in range(count))
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(self._value(field, depth))
        else:
            setattr(message, field.name, self._value(field, depth))

    def _value(self, field: FieldDescriptor, depth: int) -> Any:
        if field.message_type is not None:
            return self.make(field.message_type, depth + 1)
        is_wild = self._generator.random() < self._wildness
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self._generator.randbytes(self._generator.choice(_BYTE_COUNTS))
        if field.type == FieldDescriptor.TYPE_STRING:
            tame = self._tame_texts.get(field.name, ("plain", "two words"))
            return self._generator.choice(WILD_TEXTS if is_wild or not tame else tame)
        if field.enum_type is not None and not is_wild:
            return self._generator.choice([each.number for each in field.enum_type.values])
        numbers = WILD_NUMBERS if is_wild else TAME_NUMBERS
        return self._generator.choice(numbers[field.cpp_type])
