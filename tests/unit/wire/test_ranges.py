"""Ranges of settings: what is within, and how they are told."""

import math
from dataclasses import dataclass
from typing import Annotated, get_type_hints

import pytest
from hypothesis import given
from tests.unit.wire.settings_strategies import PLAIN, RECIPES

from aloe.values.ranges import Range, out_of_range, ranges_of
from aloe.values.recipes import HEAD_RECIPES, PAPER_RECIPE
from aloe.values.stopping import PLAIN_RULES


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (Range(0, 1), "0 to 1"),
        (Range(1, 65_536), "1 to 65,536"),
        (Range(0), "0 or more"),
        (Range(0, 10, above_least=True), "over 0, at most 10"),
        (Range(0, above_least=True), "over 0"),
    ],
)
def test_range_is_told_in_words(bounds, text):
    assert str(bounds) == text


@pytest.mark.parametrize("value", [-1, 1.5, math.nan, math.inf, -math.inf])
def test_value_outside_is_not_in_it(value):
    assert value not in Range(0, 1)


def test_ends_are_in_it_unless_the_least_is_too_small():
    assert 0 in Range(0, 1)
    assert 1 in Range(0, 1)
    assert 0 not in Range(0, 1, above_least=True)
    assert math.inf not in Range(0)


@dataclass(frozen=True)
class Settings:
    part: Annotated[float, Range(0, 1)]
    count: Annotated[int, Range(1, 1_000)]
    name: str = ""


def test_each_setting_out_of_range_is_named_with_what_would_be_right():
    assert set(ranges_of(Settings)) == {"part", "count"}
    assert out_of_range(Settings(0.5, 5)) == []
    assert out_of_range(Settings(2.0, 5_000)) == [
        ("part", "2.0; it must be 0 to 1"),
        ("count", "5,000; it must be 1 to 1,000"),
    ]


@given(RECIPES | PLAIN)
def test_settings_within_their_ranges_are_not_complained_of(settings):
    assert out_of_range(settings) == []


@pytest.mark.parametrize("kind", [*HEAD_RECIPES.values(), *PLAIN_RULES.values()])
def test_every_number_has_a_range(kind):
    hints = get_type_hints(kind)
    assert set(ranges_of(kind)) == {name for name, hint in hints.items() if hint is not bool}


def test_the_paper_is_within_the_ranges():
    assert out_of_range(PAPER_RECIPE) == []
