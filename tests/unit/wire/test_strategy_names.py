"""Names of query strategies."""

import re

import pytest

from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule
from aloe.values.strategy_names import strategy_name, strategy_named, strategy_names

MARGIN = AcquisitionFunction.SMALLEST_MARGIN
AWARE, AGNOSTIC = SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("margin", (MARGIN, AGNOSTIC)),
        ("smallest_margin", (MARGIN, AGNOSTIC)),
        ("margin-class-aware", (MARGIN, AWARE)),
        ("margin+class-aware", (MARGIN, AWARE)),
        ("class-aware", (MARGIN, AWARE)),
        (" Least_Confidence ", (AcquisitionFunction.LEAST_CONFIDENCE, AGNOSTIC)),
        ("random", (AcquisitionFunction.RANDOM, AGNOSTIC)),
        ("margin-of-logits", (AcquisitionFunction.MARGIN_LOGITS, AGNOSTIC)),
        ("entropy + class-aware", (AcquisitionFunction.ENTROPY, AWARE)),
    ],
)
def test_names_are_read_however_their_words_are_joined(
    name: str, strategy: tuple[AcquisitionFunction, SelectionRule]
) -> None:
    assert strategy_named(name) == QueryStrategy(*strategy)


def test_every_query_strategy_has_one_name_by_which_it_is_found() -> None:
    every = [QueryStrategy(f, rule) for f in AcquisitionFunction for rule in SelectionRule]
    names = [strategy_name(each) for each in every]
    assert len(set(names)) == len(every)
    assert [strategy_named(each) for each in names] == every
    assert {strategy_name(strategy_named(each)) for each in strategy_names()} == set(
        strategy_names()
    )
    assert strategy_name(QueryStrategy()) == "margin-class-aware"


@pytest.mark.parametrize("name", ["", "best", "margin+best", "best+class-aware"])
def test_other_names_are_told_with_those_that_there_are(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"{re.escape(repr(name))} is no query strategy; there are"
    ):
        strategy_named(name)
