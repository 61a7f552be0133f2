"""Medians of waits of which some are only known to be longer than a run."""

from math import inf

import pytest

from aloe.bench.report.censored import Wait, median_wait, survival, waited
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.label_tables import waited_text

# Weeks in remission under 6-MP (Freireich et al., Blood 21, 1963), the textbook's example.
ARRIVED = (6, 6, 6, 7, 10, 13, 16, 22, 23)
CENSORED = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
REMISSIONS = [
    *(Wait(week, 35) for week in ARRIVED),
    *(Wait(inf, week) for week in CENSORED),
]


def waits(*counts: float, end: float = 100) -> list[Wait]:
    return [Wait(count, end) for count in counts]


def test_survival_is_that_of_the_textbook():
    times, waiting = survival(REMISSIONS)
    assert times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert waiting.tolist() == pytest.approx(
        [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=0.0005
    )
    assert median_wait(REMISSIONS).value == 23


def test_leaving_censored_runs_out_would_make_the_median_shorter():
    assert median_wait([wait for wait in REMISSIONS if wait.count < inf]).value == 10


def test_median_of_ten_lies_between_the_second_and_the_ninth():
    assert median_wait(waits(*range(1, 11))) == Estimate(5.5, 2, 9, 10)


def test_median_of_six_lies_between_the_extremes_and_of_five_has_no_interval():
    assert median_wait(waits(*range(6))) == Estimate(2.5, 0, 5, 6)
    assert median_wait(waits(*range(5))) == Estimate(2, None, None, 5)


def test_median_takes_never_for_later_than_everything():
    assert median_wait(waits(10, inf, 30)).value == 30
    assert median_wait(waits(10, inf)).value == inf
    assert median_wait(waits(1, 2, 3, 4, 5, inf)) == Estimate(3.5, 1, inf, 6)


def test_run_that_ended_early_counts_as_long_as_it_lasted():
    # Of two that still wait when the third ends, one arrives: half of two thirds are left.
    found = [Wait(10, 40), Wait(inf, 15), Wait(20, 40)]
    assert survival(found)[1].tolist() == pytest.approx([2 / 3, 0])
    assert median_wait(found).value == 20


def test_a_wait_is_censored_where_most_runs_never_get_there():
    found = waited([Wait(20, 30), Wait(inf, 30), Wait(inf, 40)])
    assert (found.arrived_count, found.last_count) == (1, 30)
    assert waited_text(found) == "> 30 (1 of 3 reached)"


def test_a_wait_says_how_many_runs_got_there():
    found = waited([*waits(*[10] * 6, *[20] * 2), Wait(inf, 10)])
    assert waited_text(found) == "10 [10, 20] (8 of 9 reached)"


def test_a_wait_of_all_runs_needs_no_such_remark():
    assert waited_text(waited(waits(20, 30, 40))) == "30"
    assert waited_text(waited(waits(1, 2, 3, 4, 5, 6, 7))) == "4 [1, 7]"
