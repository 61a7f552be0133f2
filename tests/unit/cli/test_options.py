"""Options that are read from texts."""

from datetime import timedelta
from fractions import Fraction

import pytest
import typer

from aloe.cli.options import duration_of_lease, parse_seconds, share, with_settings


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


@pytest.mark.parametrize(
    ("text", "part"), [("0.02", 0.02), ("2%", 0.02), (" 2.5 %", 0.025), ("0", 0), ("100%", 1)]
)
def test_shares_are_parts_of_one_or_percentages(text: str, part: float):
    assert share(text) == pytest.approx(part)


@pytest.mark.parametrize("text", ["", "%", "2", "-1%", "101%", "nan", "inf%", "two", "2%%"])
def test_what_is_no_share_is_refused(text: str):
    with pytest.raises(typer.BadParameter, match=r"is no part such as 0\.02 or 2%"):
        share(text)


def test_settings_are_told_with_room_to_break_lines():
    forms = ("adam:rate=0.1,count=5", "lbfgs:0.1", "none")
    assert with_settings(forms) == "adam (rate=0.1, count=5), lbfgs (0.1), none"


def test_leases_may_be_given_no_time_at_all():
    assert duration_of_lease(None) is None
    assert duration_of_lease(0.25) == timedelta(milliseconds=250)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_leases_that_no_time_can_tell_are_refused(seconds: float):
    with pytest.raises(typer.BadParameter, match="it must be a millisecond to a day"):
        duration_of_lease(seconds)
