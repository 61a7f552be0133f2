"""How many labels each arm of a setting needs for a part of the ceiling, against one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aloe.bench.report.arms import Arm
from aloe.bench.report.censored import Wait, Waited, waited
from aloe.bench.report.reaching import wait_of
from aloe.bench.report.runs import Run
from aloe.bench.report.wait_ratios import (
    PairedWaits,
    WaitRatio,
    corrected,
    geometric_mean,
    mean_ratio,
    ratio_of,
)

ByArm = Mapping[Arm, Sequence[Run]]


@dataclass(frozen=True, slots=True)
class CommonCeiling:
    """What all arms of a setting are measured by."""

    accuracy: float
    """Mean over the seeds, 0 to 1."""
    by_seed: Mapping[int, float] = field(default_factory=dict)
    """Where each seed has test clips of its own, some of which are harder; else empty."""

    def part(self, level: float, seed: int) -> float:
        """Return the accuracy that a run has to reach."""
        return level * self.by_seed.get(seed, self.accuracy)


@dataclass(frozen=True, slots=True)
class LabelsNeeded:
    """Labels until the heads of an arm have a part of the ceiling."""

    level: float
    """Of the ceiling, 0 to 1."""
    accuracy: float
    """That had to be reached, 0 to 1; the mean over seeds."""
    labels: Waited
    ratio: WaitRatio | None
    """To the baseline's; None for itself, and where it shares no seed."""


def labels_needed(
    runs: ByArm, baseline: Arm, levels: Sequence[float], ceiling: CommonCeiling
) -> dict[Arm, tuple[LabelsNeeded, ...]]:
    """Find what the arms of a setting need; those of one level are a family under Holm.

    Args:
        runs: each arm's, at least one, with a learning curve.
        baseline: the arm to compare with; may be none of them.
        levels: parts of the ceiling, 0 to 1.
        ceiling: accuracy with every label.
    """
    by_level = [_at_level(runs, baseline, level, ceiling) for level in levels]
    return {arm: tuple(found[arm] for found in by_level) for arm in runs}


def _at_level(
    runs: ByArm, baseline: Arm, level: float, ceiling: CommonCeiling
) -> dict[Arm, LabelsNeeded]:
    pairs = paired_with(runs, baseline, level, ceiling)
    ratios = corrected({arm: ratio_of(each) for arm, each in pairs.items()})
    return {
        arm: LabelsNeeded(
            level=level,
            accuracy=level * ceiling.accuracy,
            labels=waited(list(_waits(of_arm, level, ceiling).values())),
            ratio=ratios.get(arm),
        )
        for arm, of_arm in runs.items()
    }


def paired_with(
    runs: ByArm, baseline: Arm, level: float, ceiling: CommonCeiling
) -> dict[Arm, PairedWaits]:
    """Pair the waits of each other arm with the baseline's, over the seeds that both ran."""
    waits = {arm: _waits(of_arm, level, ceiling) for arm, of_arm in runs.items()}
    base = waits.pop(baseline, {})
    found: dict[Arm, PairedWaits] = {}
    for arm, own in waits.items():
        seeds = sorted(own.keys() & base.keys())
        if seeds:
            found[arm] = PairedWaits.of_one(
                (own[seed] for seed in seeds), (base[seed] for seed in seeds)
            )
    return found


def _waits(runs: Sequence[Run], level: float, ceiling: CommonCeiling) -> dict[int, Wait]:
    return {run.seed: wait_of(run.curve(run.labels), ceiling.part(level, run.seed)) for run in runs}


@dataclass(frozen=True, slots=True)
class OverallRatio:
    """The ratios of an arm at one level, over all settings."""

    level: float
    ratio: WaitRatio | None
    """Their geometric mean; None where no setting has one."""
    settings: tuple[str, ...]
    """Those that have a ratio."""
    open_settings: tuple[str, ...]
    """Those in which neither the arm nor the baseline got there."""
    worst: WaitRatio | None
    """The largest ratio, its p not corrected."""
    worst_setting: str


def overall_ratios(
    by_setting: Mapping[str, tuple[ByArm, CommonCeiling]], baseline: Arm, levels: Sequence[float]
) -> dict[Arm, tuple[OverallRatio, ...]]:
    """Average the ratios over settings; the arms at one level are a family under Holm.

    Args:
        by_setting: name to the runs, as labels_needed takes them, and the ceiling.
        baseline: the arm to compare with.
        levels: parts of the ceiling, 0 to 1.
    """
    by_level = [_overall_at(by_setting, baseline, level) for level in levels]
    arms = dict.fromkeys(arm for found in by_level for arm in found)
    return {arm: tuple(found[arm] for found in by_level) for arm in arms}


def _overall_at(
    by_setting: Mapping[str, tuple[ByArm, CommonCeiling]], baseline: Arm, level: float
) -> dict[Arm, OverallRatio]:
    pairs: dict[Arm, dict[str, PairedWaits]] = {}
    for name, (runs, ceiling) in by_setting.items():
        for arm, each in paired_with(runs, baseline, level, ceiling).items():
            pairs.setdefault(arm, {})[name] = each
    known = {
        arm: {name: each for name, each in of_arm.items() if each.is_known}
        for arm, of_arm in pairs.items()
    }
    ratios = corrected({arm: mean_ratio(list(of.values())) for arm, of in known.items() if of})
    return {
        arm: OverallRatio(
            level, ratios.get(arm), tuple(known[arm]), _open(of_arm), *_worst(known[arm])
        )
        for arm, of_arm in pairs.items()
    }


def _open(pairs: Mapping[str, PairedWaits]) -> tuple[str, ...]:
    return tuple(name for name, each in pairs.items() if not each.is_known)


def _worst(pairs: Mapping[str, PairedWaits]) -> tuple[WaitRatio | None, str]:
    values = {name: geometric_mean([each]).value for name, each in pairs.items()}
    if not values:
        return None, ""
    name = max(values, key=lambda each: values[each])
    return ratio_of(pairs[name]), name
