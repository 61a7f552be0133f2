"""The runs of a setting: by arm, with the ceiling that all of them are measured by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

from aloe.bench.report.arms import AGNOSTIC, AWARE, Arm, Choices
from aloe.bench.report.intervals import Estimate, mean_estimate
from aloe.bench.report.labels_needed import ByArm, CommonCeiling, LabelsNeeded, labels_needed
from aloe.bench.report.runs import Results, Run, Setting
from aloe.bench.report.starts import classes_of

Group = tuple[Choices, str]
"""Arms that stand beside each other: all but the query strategy, and AWARE or AGNOSTIC."""


def group_of(arm: Arm) -> Group:
    """Return the group of an arm; every rule that asks for no class stands with AGNOSTIC."""
    return arm.choices, AWARE if arm.is_class_aware else AGNOSTIC


def settings_of(results: Results) -> list[Setting]:
    """Return the settings that were run, each one data set, encoder, task and oracle."""
    every = dict.fromkeys(run.setting for run in (*results.runs, *results.ceilings))
    # A ceiling has a perfect oracle, whatever oracles the runs have.
    labeled = {_without_oracle(run.setting) for run in results.runs}
    with_runs = {run.setting for run in results.runs}
    return [each for each in every if each in with_runs or _without_oracle(each) not in labeled]


def _without_oracle(setting: Setting) -> Setting:
    return replace(setting, oracle="")


@dataclass(frozen=True, eq=False)
class SettingRuns:
    """The runs of one data set, encoder, task and oracle, and what they are measured by."""

    setting: Setting
    results: Results
    arms: Sequence[Arm]
    """All of the experiment, in order."""
    baseline: Arm | None
    levels: Sequence[float]

    @cached_property
    def runs(self) -> dict[Arm, list[Run]]:
        found: dict[Arm, list[Run]] = {arm: [] for arm in self.arms}
        for run in self.results.runs:
            if run.setting == self.setting:
                found[run.arm].append(run)
        return {arm: runs for arm, runs in found.items() if runs}

    @property
    def groups(self) -> list[Group]:
        """In the order of choices, class-aware first."""
        found = dict.fromkeys(map(group_of, self.runs))
        choices = list(dict.fromkeys(chosen for chosen, _ in found))
        return sorted(found, key=lambda group: (choices.index(group[0]), group[1] == AGNOSTIC))

    @cached_property
    def curves(self) -> ByArm:
        """The runs that have a learning curve."""
        return {
            arm: kept
            for arm, runs in self.runs.items()
            if (kept := [run for run in runs if run.curve(run.labels).size])
        }

    @cached_property
    def ceilings(self) -> list[Run]:
        """Of the paper's recipe, or else of the one that has the best mean."""
        place = _without_oracle(self.setting)
        found: dict[Arm, list[Run]] = {}
        for run in self.results.ceilings:
            if _without_oracle(run.setting) == place:
                found.setdefault(run.arm, []).append(run)
        return max(
            found.values(),
            key=lambda runs: (runs[0].arm.is_papers, _mean_accuracy(runs)),
            default=[],
        )

    @cached_property
    def ceiling(self) -> Estimate | None:
        return mean_estimate([run.last("test_accuracy") for run in self.ceilings])

    @cached_property
    def common_ceiling(self) -> CommonCeiling | None:
        if self.ceiling is None:
            return None
        has_own_clips = self.results.metadata.get("spec", {}).get("split_per_seed", False)
        by_seed = {run.seed: run.last("test_accuracy") for run in self.ceilings if has_own_clips}
        known = {seed: accuracy for seed, accuracy in by_seed.items() if isfinite(accuracy)}
        return CommonCeiling(self.ceiling.value, known)

    @cached_property
    def needed(self) -> dict[Arm, tuple[LabelsNeeded, ...]]:
        if self.common_ceiling is None or self.baseline is None:
            return {}
        return labels_needed(self.curves, self.baseline, self.levels, self.common_ceiling)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return classes_of(self.results, self.setting)


def _mean_accuracy(runs: Sequence[Run]) -> float:
    found = mean_estimate([run.last("test_accuracy") for run in runs])
    return found.value if found else 0.0
