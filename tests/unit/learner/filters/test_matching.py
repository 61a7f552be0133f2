"""Which clips a filter takes: by hand, and by the same question asked clip by clip."""

import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.columns import Column
from aloe.learner.domain.filters.matching import matches
from aloe.learner.domain.filters.parsing import parse_filter

MADE = datetime(2026, 5, 4, 13, tzinfo=UTC)


def column(*values: object, choices: tuple[str, ...] = ()) -> Column:
    made = Column(choices)
    for row, value in enumerate(values):
        if value is not None:
            made.put(row, value)  # type: ignore[arg-type]
    made.reach(len(values))
    return made


COLUMNS = {
    "site": column("north", "south", None, "north sea", "north"),
    "snr": column(1.0, 2.5, -3.0, None, 2.5),
    "made": column(MADE, None, MADE + timedelta(hours=1), MADE, None),
    "mixed": column("7", 7.0, MADE, None, "2026-05-04T13:00:00Z"),
    "state": column("labeled", "leased", "labeled", None, None, choices=("labeled", "leased")),
    "duration_s": column(None, None, None, None, None),
}


def taken(text: str) -> list[int]:
    parsed = parse_filter(text)
    assert parsed is not None
    found = matches(parsed, COLUMNS, 5)
    assert found.shape == (5,)
    assert found.dtype == np.bool_
    return np.flatnonzero(found).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("site = north", [0, 4]),
        ("site != north", [1, 2, 3]),
        ("NOT site = north", [1, 2, 3]),
        ('site = "north*"', [0, 3, 4]),
        ('site = "*th*"', [0, 1, 3, 4]),
        ('site = "*th"', [0, 1, 4]),
        ('site >= "north sea"', [1, 3]),
        ("site:*", [0, 1, 3, 4]),
        ("snr = 2.5", [1, 4]),
        ("snr != 2.5", [0, 2, 3]),
        ("snr > 1", [1, 4]),
        ("snr >= 1", [0, 1, 4]),
        ("snr < 1", [2]),
        ("snr <= 1", [0, 2]),
        ("NOT snr:*", [3]),
        ('made = "2026-05-04T13:00:00Z"', [0, 3]),
        ('made = "2026-05-04T15:00:00+02:00"', [0, 3]),
        ('made > "2026-05-04 13:00"', [2]),
        ('made < "2026-05-05"', [0, 2, 3]),
        ('made != "2026-05-04T13:00:00Z"', [1, 2, 4]),
        ("made:*", [0, 2, 3]),
        ("mixed = 7", [1]),
        ('mixed = "7"', [0]),
        ('mixed = "2026-05-04T13:00:00Z"', [2, 4]),
        ("state = labeled", [0, 2]),
        ("duration_s < 5", []),
        ("duration_s != 5", [0, 1, 2, 3, 4]),
        ("site = north AND snr > 1", [4]),
        ("site = north AND snr > 1 AND state:*", []),
        ("site = south OR snr < 1", [1, 2]),
        ("NOT (site = south OR snr < 1)", [0, 3, 4]),
        ("site:* AND (snr < 2 OR NOT snr:*)", [0, 3]),
    ],
)
def test_by_hand(text, rows):
    assert taken(text) == rows


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sites = north", r"at character 1: no clip has a field 'sites'; there is site"),
        ("snr > 1 AND colour:*", r"at character 13: no clip has a field 'colour'; there is dura"),
        ("site = 7", r"site is compared with 7.0; it holds texts, in quotes"),
        ('snr = "7"', r"snr is compared with '7'; it holds numbers, without quotes"),
        ('made = "noon"', r"made is compared with 'noon'; it holds times"),
        ("made > 7", r"made is compared with 7.0; it holds times"),
        ("state = labelled", r"state is never 'labelled'; there are labeled, leased"),
        ("state = 1", r"it holds texts"),
    ],
)
def test_what_can_take_no_clip_is_refused(text, problem):
    with pytest.raises(InvalidInput, match=problem):
        taken(text)


TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@given(
    values=st.lists(st.none() | st.sampled_from(["a", "b", "ab"]) | st.integers(-2, 2), max_size=8),
    sign=st.sampled_from(sorted(TESTS)),
    value=st.sampled_from(["a", "b", "c"]) | st.integers(-2, 2),
)
def test_all_at_once_is_as_one_by_one(values, sign, value):
    made = column(*("sure", 0), *values)
    parsed = parse_filter(f'x {sign} "{value}"' if isinstance(value, str) else f"x {sign} {value}")
    assert parsed is not None

    def fits(one: Any) -> bool:
        is_like = isinstance(one, str) if isinstance(value, str) else isinstance(one, int)
        return TESTS[sign](one, value) if is_like else sign == "!="

    found = matches(parsed, {"x": made}, len(made))
    assert found.tolist() == [fits(one) for one in ("sure", 0, *values)]


def test_rows_that_came_later_are_left_out():
    parsed = parse_filter("site:*")
    assert parsed is not None
    assert matches(parsed, COLUMNS, 3).tolist() == [True, True, False]


def test_a_value_that_changes_kind_leaves_nothing_behind():
    made = column("a", 2.0, MADE)
    for row, value in ((0, 3.0), (1, MADE), (2, "b")):
        made.put(row, value)
    for text, rows in (("x = 3", [0]), ('x = "2026-05-04T13:00Z"', [1]), ("x = b", [2])):
        parsed = parse_filter(text)
        assert parsed is not None
        assert np.flatnonzero(matches(parsed, {"x": made}, 3)).tolist() == rows
