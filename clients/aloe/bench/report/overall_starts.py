"""How arms begin beside random picks, over all settings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aloe.bench.arrays import Float64Array
from aloe.bench.report.arms import RANDOM, Arm, arm_name, random_beside
from aloe.bench.report.curves import Curve
from aloe.bench.report.intervals import MIN_RESAMPLED_COUNT, Estimate
from aloe.bench.report.over_settings import mean_over
from aloe.bench.report.runs import Run
from aloe.bench.report.setting_runs import SettingRuns
from aloe.bench.report.starts import (
    START_LABEL_COUNTS,
    class_waits,
    classes_seen_after,
    gains_over_random,
)
from aloe.bench.report.wait_ratios import PairedWaits, WaitRatio, corrected, mean_ratio

_PLACES = np.arange(1, 101, dtype=np.float64)
"""Label and clip counts at which curves are drawn: how runs begin."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Accuracy minus random's with so many labels."""

    label_count: int
    difference: Estimate | None
    """Mean over settings, seed by seed; None where no setting has it."""
    setting_count: int
    """Of those that have it."""


@dataclass(frozen=True, slots=True)
class OverallStart:
    """How an arm begins, over the settings that have it and random picks beside it."""

    arm: Arm
    arm_name: str
    random_name: str
    """Of the random picks that it is compared with; its own for random itself."""
    gains: tuple[Gain, ...]
    """With each of START_LABEL_COUNTS; none of random itself."""
    every_class: WaitRatio | None
    """Clips until the last class was seen, to random's: geometric mean over settings. None where no
    run began without seed labels, and of random itself."""
    mean_class: WaitRatio | None
    """Likewise of the clips until a class was seen, on average over classes."""
    setting_count: int
    """Of those with clips until classes were seen."""
    gain_curve: Curve | None
    """Accuracy minus random's, against labels."""
    seen_curve: Curve | None
    """Part of the classes that were seen, against clips."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """An arm in one setting."""

    runs: Sequence[Run]
    random: Arm
    random_runs: Sequence[Run]
    classes: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Seen:
    """When an arm saw classes, to random's."""

    every_class: WaitRatio | None
    mean_class: WaitRatio | None
    setting_count: int


def overall_starts(views: Sequence[SettingRuns]) -> tuple[OverallStart, ...]:
    """Say how each arm begins; the tests of all of them are a family under Holm.

    Args:
        views: of all settings.
    """
    arms = views[0].arms if views else []
    beside = {arm: _beside(arm, views) for arm in arms}
    known = {arm: found for arm, found in beside.items() if found}
    waits = {
        arm: [
            each
            for of in found
            if (each := class_waits(of.runs, of.random_runs, of.classes)) is not None
        ]
        for arm, found in known.items()
        if arm.acquisition_function != RANDOM
    }
    every = _ratios({arm: [each.every_class for each in of] for arm, of in waits.items()})
    means = _ratios({arm: [each.mean_class for each in of] for arm, of in waits.items()})
    return tuple(
        _start(
            arm,
            arms,
            found,
            _Seen(every.get(arm), means.get(arm), len(waits.get(arm, ()))),
        )
        for arm, found in known.items()
    )


def _beside(arm: Arm, views: Sequence[SettingRuns]) -> list[_Beside]:
    return [
        _Beside(view.runs[arm], random, view.runs[random], view.classes)
        for view in views
        if arm in view.runs and (random := random_beside(arm, view.runs)) is not None
    ]


def _ratios(pairs: dict[Arm, list[PairedWaits]]) -> dict[Arm, WaitRatio]:
    known = {arm: [each for each in of if each.is_known] for arm, of in pairs.items()}
    return corrected({arm: mean_ratio(of) for arm, of in known.items() if of})


def _start(arm: Arm, arms: Sequence[Arm], found: Sequence[_Beside], seen: _Seen) -> OverallStart:
    is_random = arm.acquisition_function == RANDOM
    counts = np.array(START_LABEL_COUNTS, np.float64)
    return OverallStart(
        arm=arm,
        arm_name=arm_name(arm, arms),
        random_name=arm_name(found[0].random, arms),
        gains=() if is_random else tuple(_gains(found, counts)),
        every_class=seen.every_class,
        mean_class=seen.mean_class,
        setting_count=seen.setting_count,
        gain_curve=None if is_random else _gain_curve(found),
        seen_curve=_seen_curve(found),
    )


def _gains(found: Sequence[_Beside], counts: Float64Array) -> list[Gain]:
    by_setting = [gains_over_random(each.runs, each.random_runs, counts) for each in found]
    gains = []
    for place, count in enumerate(START_LABEL_COUNTS):
        known = _finite_at(by_setting, place)
        gains.append(Gain(count, mean_over(known), len(known)))
    return gains


def _finite_at(by_setting: Sequence[dict[int, Float64Array]], place: int) -> list[dict[int, float]]:
    """Return one of the figures of each run, where it is known, of settings that have any."""
    at = [
        {seed: float(of[place]) for seed, of in each.items() if np.isfinite(of[place])}
        for each in by_setting
    ]
    return [each for each in at if each]


def _gain_curve(found: Sequence[_Beside]) -> Curve | None:
    return _curve([gains_over_random(each.runs, each.random_runs, _PLACES) for each in found])


def _seen_curve(found: Sequence[_Beside]) -> Curve | None:
    return _curve(
        [
            {
                run.seed: classes_seen_after(run, each.classes, _PLACES)
                for run in each.runs
                if not run.seed_label_count
            }
            for each in found
            if each.classes
        ]
    )


def _curve(by_setting: Sequence[dict[int, Float64Array]]) -> Curve | None:
    """Average over settings where every run of each has the figure."""
    known = [each for each in by_setting if each]
    rows = [row for each in known for row in each.values()]
    if not rows:
        return None
    places = np.flatnonzero(np.isfinite(rows).all(axis=0)).tolist()
    means = [mean_over(_finite_at(known, place)) for place in places]
    points = [(place, mean) for place, mean in zip(places, means, strict=True) if mean]
    if not points:
        return None
    has_band = all(mean.run_count >= MIN_RESAMPLED_COUNT for _, mean in points)
    return Curve(
        places=tuple(float(_PLACES[place]) for place, _ in points),
        mean=tuple(mean.value for _, mean in points),
        low=tuple(mean.low or 0.0 for _, mean in points) if has_band else None,
        high=tuple(mean.high or 0.0 for _, mean in points) if has_band else None,
    )
