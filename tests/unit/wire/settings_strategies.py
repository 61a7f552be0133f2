"""Any strategy, recipe, rule and advice, as hypothesis makes them."""

from typing import Any, get_type_hints

from hypothesis import strategies as st

from aloe.values.ranges import Range, ranges_of
from aloe.values.recipes import HEAD_RECIPES
from aloe.values.stopping import (
    PLAIN_RULES,
    AllOfRules,
    AnyOfRules,
    StopAdvice,
    StopReason,
    StopVerdict,
)
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule

_LARGE = 1e9
"""Ranges without an end are tried up to here."""


def _within_ranges(kind: type[Any]) -> st.SearchStrategy[Any]:
    ranges, numbers = ranges_of(kind), get_type_hints(kind)
    return st.builds(
        kind,
        **{
            name: st.booleans() if number is bool else _within(ranges[name], number)
            for name, number in numbers.items()
        },
    )


def _within(bounds: Range, number: type[int] | type[float]) -> st.SearchStrategy[Any]:
    most = min(bounds.most, _LARGE)
    if number is int:
        return st.integers(int(bounds.least), int(most))
    return st.floats(bounds.least, most, exclude_min=bounds.above_least)


QUERY_STRATEGIES = st.builds(
    QueryStrategy, st.sampled_from(AcquisitionFunction), st.sampled_from(SelectionRule)
)
RECIPES = st.one_of(*map(_within_ranges, HEAD_RECIPES.values()))
PLAIN = st.one_of(*map(_within_ranges, PLAIN_RULES.values()))
RULES = st.recursive(
    PLAIN,
    lambda rules: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([AnyOfRules, AllOfRules]),
        st.lists(rules, min_size=1, max_size=3),
    ),
    max_leaves=6,
)
ADVICE = st.builds(
    StopAdvice,
    st.sampled_from(StopVerdict),
    st.lists(
        st.builds(
            StopReason,
            rule=PLAIN,
            verdict=st.sampled_from(StopVerdict),
            value=st.none() | st.floats(allow_nan=False),
            bound=st.floats(allow_nan=False),
            description=st.text(max_size=20),
        ),
        max_size=3,
    ).map(tuple),
)
