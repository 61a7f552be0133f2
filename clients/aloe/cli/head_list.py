"""The heads of a task in a table: when each came, of how many labels, how good, by which names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aloe.cli.console import percent, print_table
from aloe.cli.stopping import estimate_text
from aloe.cli.task_tables import quality
from aloe.client import Promotion, Round
from aloe.values.kept_heads import KEPT_HEADS


@dataclass(frozen=True, slots=True)
class HeadEntry:
    """A head in the list."""

    version: int
    is_kept: bool
    """Whether it can be asked and promoted, as far as its names tell."""
    names: tuple[str, ...]
    """That production asks for it by."""
    earlier_names: tuple[str, ...]
    """Which other heads have now."""
    trained: Round


def head_entries(rounds: Sequence[Round], promotions: Sequence[Promotion]) -> list[HeadEntry]:
    """List the heads of some rounds, the newest first."""
    first_kept = max((each.head_version for each in rounds), default=0) - KEPT_HEADS + 1
    entries = []
    for each in reversed(rounds):
        version = each.head_version
        names = [name.promotion_id for name in promotions if name.head.version == version]
        earlier = [
            name.promotion_id
            for name in promotions
            if version in {head.version for head in name.earlier} and name.head.version != version
        ]
        is_kept = version >= first_kept or bool(names or earlier)
        entries.append(HeadEntry(version, is_kept, tuple(names), tuple(earlier), each))
    return entries


def print_head_list(entries: Sequence[HeadEntry]) -> None:
    """Print the list; scores that no head has have no column."""
    rounds = [each.trained for each in entries]
    is_several = any(
        found is not None and found.label_figures is not None
        for each in rounds
        for found in (each.validation, each.test)
    )
    what = "mean average precision" if is_several else "accuracy"
    every = {
        f"validation {what}": [percent(quality(each.validation)) for each in rounds],
        f"test {what}": [percent(quality(each.test)) for each in rounds],
        "estimated accuracy": [estimate_text(each) for each in rounds],
    }
    scores = {name: cells for name, cells in every.items() if {*cells} != {percent(None)}}
    print_table(
        ["head", "names", "trained", "labels", *scores],
        [
            [
                each.version,
                _names_text(each),
                _time_text(each.trained.start_time),
                each.trained.label_count,
                *(cells[place] for cells in scores.values()),
            ]
            for place, each in enumerate(entries)
        ],
    )


def _time_text(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S %Z}"


def _names_text(entry: HeadEntry) -> str | None:
    names = [*entry.names, *(f"{name} before" for name in entry.earlier_names)]
    return ", ".join(names) or (None if entry.is_kept else "(scores alone)")
