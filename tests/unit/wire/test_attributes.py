"""Attributes come back as they were sent, and what no clip can have is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.v1.attribute_pb2 import AttributeValue
from aloe.v1.pool_pb2 import Clip
from aloe.values.attributes import MalformedAttribute, check_attributes
from aloe.wire.attributes import read_attributes, write_attributes

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(attributes=st.dictionaries(NAMES, TEXTS | NUMBERS | TIMES, max_size=10))
def test_they_come_back_as_they_were(attributes):
    message = Clip(attributes=write_attributes(attributes))
    assert read_attributes(Clip.FromString(message.SerializeToString()).attributes) == attributes


def test_a_time_keeps_its_moment_and_not_its_zone():
    there = datetime(2026, 5, 4, 15, tzinfo=timezone(timedelta(hours=2)))
    (made,) = read_attributes(write_attributes({"made": there})).values()
    assert isinstance(made, datetime)
    assert (made, made.tzinfo) == (there, UTC)


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"": "x"}, "no name of an attribute"),
        ({"2nd": "x"}, "no name"),
        ({"a b": "x"}, "no name"),
        ({"a" * 65: "x"}, "no name"),
        ({"site": "x" * 1_025}, "site: 1,025 characters; at most 1,024"),
        ({"site": "a\nb"}, r"site: holds the control character '\\n' at 1"),
        ({"snr": float("nan")}, "snr: nan; it must be finite"),
        ({"snr": float("-inf")}, "snr: -inf"),
        ({"made": datetime(2026, 5, 4)}, "no time zone"),  # noqa: DTZ001
        ({f"a{n}": 1.0 for n in range(65)}, "65 attributes; at most 64"),
        ({f"a{n}": "x" * 1_024 for n in range(4)}, "4,104 bytes; at most 4,096"),
    ],
)
def test_what_no_clip_can_have_is_refused(attributes, problem):
    with pytest.raises(MalformedAttribute, match=problem):
        check_attributes(attributes)


def test_as_much_as_a_clip_can_have_is_taken():
    check_attributes({f"a{n}": 1.0 for n in range(64)})
    check_attributes({"a" * 64: "x" * 1_024, "b": "\u00e9" * 1_024, "c": "x" * 958})


def test_an_attribute_without_a_value_is_refused():
    with pytest.raises(MalformedAttribute, match="'site': no value"):
        read_attributes({"site": AttributeValue()})
