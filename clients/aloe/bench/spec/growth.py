"""Whether an experiment has every run of an older one."""

from pathlib import Path
from typing import Any

from aloe.bench.spec.spec import ExperimentError, Spec, encoder_name
from aloe.bench.spec.toml import to_table
from aloe.values.strategy_names import strategy_name

# These may grow from one command to the next: a new entry only adds runs.
_GROWING = (
    "datasets",
    "encoders",
    "acquisition_functions",
    "selection_rules",
    "strategies",
    "oracles",
    "head_recipes",
)


def check_extends(old: Spec, new: Spec, folder: Path) -> None:
    """Check that an experiment has every run of an older one in the same folder.

    Raises:
        ExperimentError: it has not; names the key.
    """
    before, after = _comparable(old), _comparable(new)
    if old.strategies or new.strategies:
        # Either way of naming them comes to the same.
        for spec, table in ((old, before), (new, after)):
            del table["acquisition_functions"], table["selection_rules"]
            table["strategies"] = [strategy_name(each) for each in spec.asked_by()]
    for key, was in before.items():
        now = after[key]
        if key in _GROWING:
            lost = [each for each in was if each not in now]
            if lost:
                raise ExperimentError(
                    f"{key} in {folder} has {lost[0]}, which is missing now; keep it, or give"
                    " another --output"
                )
        elif key == "seeds" and now < was:
            raise ExperimentError(
                f"seeds is {now}, but {folder} has {was}; give as many, or another --output"
            )
        elif key != "seeds" and now != was:
            raise ExperimentError(
                f"{key} is {now!r}, but {was!r} in {folder}; give another --output"
            )


def _comparable(spec: Spec) -> dict[str, Any]:
    """Return what decides the runs, without folders, which may move.

    Whether a moved folder still holds the same, the digest kept with each run tells.
    """
    table = to_table(spec)
    table["datasets"] = [
        f"{each.short_name}, task {task}" for each in spec.datasets for task in each.tasks or ["*"]
    ]
    table["encoders"] = [encoder_name(each) for each in spec.encoders]
    del table["as"]
    return table
