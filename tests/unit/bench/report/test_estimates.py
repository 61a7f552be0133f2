"""How far estimates of accuracy are from the truth: by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.bench.report.runs_in_memory import HERDING, run_of

from aloe.bench.report.estimate_tables import accept_table, estimate_table
from aloe.bench.report.estimates import estimate_errors
from aloe.bench.report.runs import Run

NAN = float("nan")


def estimating(seed: int, truth: list[float], value: list[float], labels: list[float]) -> Run:
    """Return a run whose intervals are 0.1 to each side."""
    run = run_of(HERDING, seed, truth, labels=labels)
    values = np.array(value)
    named = {"accuracy": values, "low": values - 0.1, "high": values + 0.1}
    return replace(run, figures={**run.figures, **{f"estimated_{k}": v for k, v in named.items()}})


def test_errors_of_two_runs_by_hand():
    runs = [
        estimating(1, [0.5, 0.7, 0.9], [NAN, 0.65, 0.80], [20, 48, 99]),
        estimating(2, [0.6, 0.6, 0.9], [NAN, 0.75, 0.95], [20, 50, 101]),
    ]
    at_50, at_100 = estimate_errors("herding", [runs])
    assert (at_50.label_count, at_50.run_count, at_50.setting_count) == (50, 2, 1)
    assert at_50.absolute_error.value == pytest.approx(0.1)
    assert at_50.error.value == pytest.approx(0.05)
    assert at_50.covered.value == 0.5
    assert at_50.width.value == pytest.approx(0.2)
    # The head of 101 labels is beyond, that of 50 too far away.
    assert (at_100.label_count, at_100.run_count) == (100, 1)
    assert at_100.error.value == pytest.approx(-0.1)


def test_runs_without_estimates_or_with_few_labels_say_nothing():
    assert estimate_errors("herding", [[run_of(HERDING, 1, [0.5] * 10)]]) == ()
    assert estimate_errors("herding", [[estimating(1, [0.5], [0.5], [30])]]) == ()


def test_a_table_has_a_row_for_each_label_count():
    errors = estimate_errors("herding", [[estimating(1, [0.5, 0.5], [0.6, 0.45], [50, 200])]])
    table = estimate_table(errors, "linear", "t")
    assert accept_table(errors, 0.02, "linear", "t") is None
    assert [[cell.text for cell in row][1:] for row in table.rows] == [
        ["50", "1", "10.0", "10.0", "100", "20"],
        ["200", "1", "5.0", "−5.0", "100", "20"],
    ]


def test_settings_count_alike():
    one = [estimating(seed, [0.5], [0.6], [50]) for seed in range(2)]
    other = [estimating(seed, [0.9], [0.7], [50]) for seed in range(2)]
    (found,) = estimate_errors("herding", [one, other])
    assert (found.run_count, found.setting_count) == (4, 2)
    assert found.absolute_error.value == pytest.approx(0.15)
    assert found.error.value == pytest.approx(-0.05)
    assert found.covered.value == 0.5
    table = estimate_table([found], "over all settings", "t")
    assert [cell.text for cell in table.rows[0]][:3] == ["herding", "50", "4 in 2 settings"]


def accepting(seed: int, rest: tuple[int, int, int], test: tuple[int, int, int]) -> Run:
    """Return a run with a head at 100 labels: of its clips, how many it accepts, and wrongly."""
    run = estimating(seed, [0.8], [0.8], [100])
    names = [f"{part}_{each}_count" for part in ("rest", "test") for each in COUNTS]
    counts = dict(zip(names, map(np.atleast_1d, (*rest, *test)), strict=True))
    return replace(run, figures={**run.figures, **counts})


COUNTS = ("clip", "accepted", "wrong")


def test_what_would_be_accepted_is_counted_over_all_runs():
    runs = [accepting(0, (200, 100, 4), (50, 0, 0)), accepting(1, (200, 60, 0), (50, 20, 1))]
    (found,) = estimate_errors("herding", [runs])
    assert found.rest is not None
    assert found.rest.share.value == pytest.approx(160 / 400)
    assert found.rest.error is not None
    assert found.rest.error.value == pytest.approx(4 / 160)
    table = accept_table([found], 0.02, "linear", "t")
    assert table is not None
    assert table.title == "Predictions accepted so that 2% of them are wrong, linear"
    (row,) = table.rows
    assert [cell.text for cell in row][3:] == ["40.0", "2.5", "20.0", "5.0"]


def test_where_nothing_is_accepted_nothing_is_wrong():
    (found,) = estimate_errors("herding", [[accepting(0, (0, 0, 0), (50, 0, 0))]])
    assert found.rest is None
    assert found.test is not None
    assert (found.test.share.value, found.test.error) == (0, None)
    table = accept_table([found], 0.02, "linear", "t")
    assert table is not None
    assert [cell.text for cell in table.rows[0]][3:] == ["–", "–", "0.0", "–"]


def test_more_wrong_than_wanted_is_bold():
    runs = [accepting(seed, (100, 50, 5), (100, 50, 1)) for seed in range(6)]
    table = accept_table(estimate_errors("herding", [runs]), 0.05, "linear", "t")
    assert table is not None
    assert [cell.strong for cell in table.rows[0]] == [False] * 4 + [True, False, False]
