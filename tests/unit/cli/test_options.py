"""Options that are read from texts."""

from fractions import Fraction

import pytest
import typer

from aloe.cli.options import parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5s", 5),
        ("2.5", Fraction(5, 2)),
        ("0.1s", Fraction(1, 10)),
        ("250ms", Fraction(1, 4)),
        ("3 min", 180),
        ("1h", 3_600),
        ("0", 0),
    ],
)
def test_times_are_exact(text: str, seconds: Fraction):
    assert parse_seconds(text, "--window") == seconds


@pytest.mark.parametrize("text", ["", "s", "five", "5 parsecs", "nan", "inf", "1e12", "5 s s"])
def test_what_is_no_time_is_refused_with_its_option(text: str):
    with pytest.raises(typer.BadParameter, match="no time") as refused:
        parse_seconds(text, "--hop")
    assert refused.value.param_hint == "--hop"
