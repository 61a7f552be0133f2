"""How right heads say that they are, without validation labels, and what they would accept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aloe.bench.report.intervals import Estimate
from aloe.bench.report.over_settings import mean_over, share_over
from aloe.bench.report.runs import Run
from aloe.bench.results.schema import CHECKED_LABEL_COUNTS

_NEAR = 0.9
"""Rounds end at other label counts: a head of that part of the labels, at least, stands for it."""
_ESTIMATE = ("test_accuracy", "estimated_accuracy", "estimated_low", "estimated_high")


@dataclass(frozen=True, slots=True)
class Accepting:
    """Predictions that heads would accept by themselves, so that a given part of them is wrong."""

    share: Estimate
    """Of the clips, 0 to 1."""
    error: Estimate | None
    """Part of the accepted predictions of all runs that is wrong; None where none is accepted."""


@dataclass(frozen=True, slots=True)
class EstimateError:
    """The heads of an arm at a label count.

    The truth is the accuracy on the test clips, which are not many: it is uncertain itself.
    """

    name: str
    """Of the arm, or of its query strategy."""
    label_count: int
    run_count: int
    setting_count: int
    absolute_error: Estimate
    """Mean distance from the truth, 0 to 1."""
    error: Estimate
    """Mean of estimate minus truth; below 0 the learner claims too little."""
    covered: Estimate
    """Part of the runs whose interval holds the truth."""
    width: Estimate
    """Mean width of the intervals, 0 to 1."""
    rest: Accepting | None
    """Of the train clips that were not asked; None where that was not looked at."""
    test: Accepting | None


def estimate_errors(name: str, by_setting: Sequence[Sequence[Run]]) -> tuple[EstimateError, ...]:
    """Compare with the truth at each of CHECKED_LABEL_COUNTS that runs came to.

    Args:
        name: of the arm.
        by_setting: its runs in one or more settings, each of which counts alike.
    """
    found = (_at(name, count, by_setting) for count in CHECKED_LABEL_COUNTS)
    return tuple(each for each in found if each is not None)


def _at(name: str, label_count: int, by_setting: Sequence[Sequence[Run]]) -> EstimateError | None:
    heads = [
        {
            run.seed: (run, place)
            for run in runs
            if (place := _head_at(run, label_count)) is not None
        }
        for runs in by_setting
    ]
    heads = [each for each in heads if each]
    if not heads:
        return None
    rows = [
        {
            seed: tuple(run.at(each, place) for each in _ESTIMATE)
            for seed, (run, place) in of.items()
        }
        for of in heads
    ]
    figures = {
        "absolute_error": [{s: abs(v - t) for s, (t, v, _, _) in of.items()} for of in rows],
        "error": [{s: v - t for s, (t, v, _, _) in of.items()} for of in rows],
        "covered": [{s: float(a <= t <= b) for s, (t, _, a, b) in of.items()} for of in rows],
        "width": [{s: b - a for s, (_, _, a, b) in of.items()} for of in rows],
    }
    means = {key: mean for key, of in figures.items() if (mean := mean_over(of)) is not None}
    if len(means) < len(figures):  # No seed is in every setting.
        return None
    return EstimateError(
        name=name,
        label_count=label_count,
        run_count=sum(map(len, heads)),
        setting_count=len(heads),
        **means,
        rest=_accepting(heads, "rest"),
        test=_accepting(heads, "test"),
    )


def _accepting(heads: Sequence[Mapping[int, tuple[Run, int]]], part: str) -> Accepting | None:
    names = tuple(f"{part}_{each}_count" for each in ("clip", "accepted", "wrong"))
    counts = [
        {
            seed: row
            for seed, (run, place) in of.items()
            if np.isfinite(row := tuple(run.at(each, place) for each in names)).all()
        }
        for of in heads
    ]
    # Without clips there is nothing to accept.
    counts = [{seed: row for seed, row in of.items() if row[0]} for of in counts]
    share = share_over([{s: (n, c, c) for s, (c, n, _) in of.items()} for of in counts])
    wrong = share_over([{s: (k, n, c) for s, (c, n, k) in of.items()} for of in counts])
    return Accepting(share, wrong) if share else None


def _head_at(run: Run, label_count: int) -> int | None:
    """Return the place of the last head up to a label count that has an estimate."""
    places = np.flatnonzero(run.labels <= label_count)
    if not len(places) or run.labels[places[-1]] < _NEAR * label_count:
        return None
    place = int(places[-1])
    return place if np.isfinite([run.at(each, place) for each in _ESTIMATE]).all() else None
