"""Members of enums are numbers on the wire, the same ones at both ends."""

from enum import Enum

import pytest

from aloe.v1 import labeling_pb2, stopping_pb2, task_pb2
from aloe.values.states import PoolState, Split
from aloe.values.strategies import AcquisitionFunction
from aloe.wire.enums import (
    ACQUISITION_FUNCTIONS,
    CLIP_STATES,
    EVENT_KINDS,
    POOL_STATES,
    SELECTION_RULES,
    SPLITS,
    STOP_VERDICTS,
    EnumOnWire,
)
from aloe.wire.errors import MalformedValue


@pytest.mark.parametrize(
    ("enum", "wire"),
    [
        (ACQUISITION_FUNCTIONS, task_pb2.AcquisitionFunction),
        (SELECTION_RULES, task_pb2.SelectionRule),
        (POOL_STATES, task_pb2.PoolState),
        (SPLITS, labeling_pb2.Split),
        (CLIP_STATES, labeling_pb2.ClipState),
        (EVENT_KINDS, labeling_pb2.EventKind),
        (STOP_VERDICTS, stopping_pb2.StopVerdict),
    ],
)
def test_every_number_of_the_contract_is_a_member_and_back(enum, wire):
    for name, number in wire.items():
        if number:
            member = enum.member(number, "field")
            assert name.endswith(member.name)
            assert enum.number(member) == number


def test_unset_is_the_default_where_there_is_one():
    default = AcquisitionFunction.SMALLEST_MARGIN
    assert ACQUISITION_FUNCTIONS.member(0, "field", default=default) is default


@pytest.mark.parametrize(("number", "complaint"), [(0, "unset"), (99, "99 is unknown")])
def test_number_without_a_member_is_refused_by_field(number, complaint):
    with pytest.raises(MalformedValue, match=f"{complaint}; there are TRAIN, VALIDATION") as caught:
        SPLITS.member(number, "labels[3].split")
    assert caught.value.field == "labels[3].split"


def test_unknown_number_is_no_default():
    with pytest.raises(MalformedValue):
        SPLITS.member(99, "split", default=Split.TRAIN)


class HalfOfPoolState(Enum):
    OPEN = "open"


def test_enums_that_differ_are_noticed_at_once():
    assert PoolState.OPEN.value == HalfOfPoolState.OPEN.value
    with pytest.raises(TypeError, match="generate the code anew"):
        EnumOnWire(HalfOfPoolState, task_pb2.PoolState)
