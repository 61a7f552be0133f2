"""The language of filters: what is read, and where what is none goes wrong."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.domain.filters.syntax import (
    Comparison,
    Junction,
    Negation,
    Node,
    Operator,
    Presence,
)

EQUAL = Operator.EQUAL


def root(text: str) -> Node:
    parsed = parse_filter(text)
    assert parsed is not None
    return parsed.root


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ('site = "north"', Comparison("site", EQUAL, "north", 1)),
        ("site='north sea'", Comparison("site", EQUAL, "north sea", 1)),
        ("state = unlabeled", Comparison("state", EQUAL, "unlabeled", 1)),
        ("clip_id = bark-1.wav", Comparison("clip_id", EQUAL, "bark-1.wav", 1)),
        (r'note = "say \"a\\b\""', Comparison("note", EQUAL, r'say "a\b"', 1)),
        ("  snr >= -3.5e1 ", Comparison("snr", Operator.AT_LEAST, -35.0, 3)),
        ("snr<3", Comparison("snr", Operator.LESS, 3.0, 1)),
        ("snr <= 3", Comparison("snr", Operator.AT_MOST, 3.0, 1)),
        ("snr > 3", Comparison("snr", Operator.GREATER, 3.0, 1)),
        ("snr != 3", Comparison("snr", Operator.UNEQUAL, 3.0, 1)),
        ("attributes.label = x", Comparison("attributes.label", EQUAL, "x", 1)),
        ("site:*", Presence("site", 1)),
        ("site : *", Presence("site", 1)),
        ("NOT site:*", Negation(Presence("site", 5))),
        ("(site:*)", Presence("site", 2)),
        ("NOT_THIS:* ", Presence("NOT_THIS", 1)),
    ],
)
def test_comparisons(text, node):
    assert root(text) == node


def test_parts_are_joined():
    a, b, c = (Presence(name, place) for name, place in (("a", 1), ("b", 9), ("c", 17)))
    assert root("a:* AND b:* AND c:*") == Junction((a, b, c), needs_all=True)
    assert root("a:*  OR b:*  OR c:*") == Junction((a, b, c), needs_all=False)
    nested = root("(a:* AND b:*) OR NOT (c:* AND d:*)")
    assert nested == Junction(
        (
            Junction((Presence("a", 2), Presence("b", 10)), needs_all=True),
            Negation(Junction((Presence("c", 23), Presence("d", 31)), needs_all=True)),
        ),
        needs_all=False,
    )


def test_an_empty_text_is_no_filter():
    assert parse_filter("") is parse_filter(" \n") is None


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("site", 5, "the end after site; write ="),
        ("site = ", 8, "the end where a value should stand"),
        ("north south", 7, "'south' after north"),
        ("= 3", 1, "'=' where the name of a field should stand"),
        ("3 < snr", 1, "'3' where the name"),
        ("site = a AND", 13, "the end where the name"),
        ("site = a AND b = c OR d = e", 20, "AND and OR side by side"),
        ("site = a b = c", 10, "'b' where AND, OR or the end should stand"),
        ("(site = a", 10, "the end where the parenthesis of character 1 should end"),
        ("site = a)", 9, "')' where AND, OR or the end"),
        ("NOT NOT site:*", 5, "'NOT' where the name"),
        ("site = AND", 8, "'AND' where a value"),
        ("made >= 2026-05-04", 9, "'2026-05-04' cannot be read; a value that is no number"),
        ('site = "north', 8, "cannot be read"),
        ("site = a; DROP", 9, "'; DROP' cannot be read"),
        ("site == a", 7, "'=' where a value"),
        ("a.b = c", 1, "'a.b' is no name of a field"),
        ("site:north", 5, "cannot be read"),
        ("(" * 51 + "a:*" + ")" * 51, 51, "over 50 parentheses"),
    ],
)
def test_what_is_none_is_told_with_its_place(text, place, problem):
    with pytest.raises(InvalidInput, match=re.escape(problem)) as caught:
        parse_filter(text)
    (violation,) = caught.value.violations
    assert violation.field == "filter"
    assert violation.description.startswith(f"at character {place}: ")


def test_a_filter_that_is_too_long_is_refused():
    with pytest.raises(InvalidInput, match="4,097 characters"):
        parse_filter(" " * 4_097)


@given(st.text(alphabet="ab()='\"*:<>!0-. \\\nANDORT\u0661\u00e9", max_size=30))
def test_any_text_is_a_filter_or_refused(text):
    with suppress(InvalidInput):  # and nothing else
        parse_filter(text)
