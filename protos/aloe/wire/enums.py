"""Members of enums and their numbers on the wire."""

import re
from collections.abc import Iterable
from enum import Enum
from typing import Any, Generic, TypeVar

from aloe.v1 import (
    audio_pb2,
    class_pb2,
    head_pb2,
    labeling_pb2,
    pool_pb2,
    recording_import_pb2,
    search_pb2,
    stopping_pb2,
    task_pb2,
)
from aloe.values.audio import AudioProblem, ChannelRule
from aloe.values.classes import ClassState
from aloe.values.cuts import LastWindow
from aloe.values.duplicates import DuplicateRule
from aloe.values.labels import LabelMode, Unmentioned
from aloe.values.named_recipes import RecipeName
from aloe.values.representations import Representation
from aloe.values.similarities import Similarity
from aloe.values.states import ClipState, EventKind, PoolState, Split
from aloe.values.stopping import StopVerdict
from aloe.values.strategies import AcquisitionFunction, SelectionRule
from aloe.wire.errors import MalformedValue

E = TypeVar("E", bound=Enum)


class EnumOnWire(Generic[E]):
    """Converts between an enum and a proto enum with the same member names, less its prefix."""

    def __init__(self, members: type[E], wire: Any) -> None:
        """Take an enum and the generated one; they must have the same members."""
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", wire.DESCRIPTOR.name).upper() + "_"
        names = {name.removeprefix(prefix): number for name, number in wire.items() if number}
        if names.keys() != members.__members__.keys():
            raise TypeError(f"{members.__name__} and the proto's differ: generate the code anew")
        self._members = {number: members[name] for name, number in names.items()}
        self._numbers = {member: number for number, member in self._members.items()}

    def number(self, member: E) -> Any:
        """Return the number of a member; Any, since each generated enum has a type of its own."""
        return self._numbers[member]

    def member(self, number: int, field: str, *, default: E | None = None) -> E:
        """Return the member of a number.

        Raises:
            MalformedValue: no member has it, or it is unset and there is no default; it names
                `field`.
        """
        if number == 0 and default is not None:
            return default
        if number not in self._members:
            known = ", ".join(each.name for each in self._numbers)
            raise MalformedValue(
                field, f"{f'{number} is unknown' if number else 'unset'}; there are {known}"
            )
        return self._members[number]

    def members(self, numbers: Iterable[int], field: str) -> tuple[E, ...]:
        """Return the members of numbers. Raises MalformedValue as `member` does."""
        try:
            return tuple(map(self._members.__getitem__, numbers))
        except KeyError as error:
            return (self.member(error.args[0], field),)


CHANNEL_RULES = EnumOnWire(ChannelRule, audio_pb2.ChannelRule)
AUDIO_PROBLEMS = EnumOnWire(AudioProblem, audio_pb2.AudioProblem)
ACQUISITION_FUNCTIONS = EnumOnWire(AcquisitionFunction, task_pb2.AcquisitionFunction)
LABEL_MODES = EnumOnWire(LabelMode, head_pb2.LabelMode)
UNMENTIONED = EnumOnWire(Unmentioned, task_pb2.Unmentioned)
RECIPES = EnumOnWire(RecipeName, task_pb2.Recipe)
REPRESENTATIONS = EnumOnWire(Representation, head_pb2.Representation)
SELECTION_RULES = EnumOnWire(SelectionRule, task_pb2.SelectionRule)
POOL_STATES = EnumOnWire(PoolState, task_pb2.PoolState)
SIMILARITIES = EnumOnWire(Similarity, search_pb2.Similarity)
LAST_WINDOWS = EnumOnWire(LastWindow, recording_import_pb2.LastWindow)
SPLITS = EnumOnWire(Split, labeling_pb2.Split)
CLIP_STATES = EnumOnWire(ClipState, labeling_pb2.ClipState)
CLASS_STATES = EnumOnWire(ClassState, class_pb2.ClassState)
EVENT_KINDS = EnumOnWire(EventKind, labeling_pb2.EventKind)
DUPLICATE_RULES = EnumOnWire(DuplicateRule, pool_pb2.DuplicateRule)
STOP_VERDICTS = EnumOnWire(StopVerdict, stopping_pb2.StopVerdict)
