"""What may be claimed about the labels that arms need, in sentences with their intervals."""

from collections.abc import Iterable, Iterator, Mapping

from aloe.bench.report.comparing import MIN_SEED_COUNT
from aloe.bench.report.label_tables import level_text, ratio_text
from aloe.bench.report.panels import spoken
from aloe.bench.report.wait_ratios import WaitRatio


def label_sentences(
    ratios: Mapping[float, Mapping[str, WaitRatio]], baseline: str
) -> Iterator[str]:
    """Sort the arms of each level into those with fewer labels, more, and not shown.

    Args:
        ratios: level to name of an arm to its ratio to the baseline.
        baseline: in words.
    """
    for level, of_level in ratios.items():
        lead = f"To {level_text(level)} of the ceiling"
        shown = {name: found for name, found in of_level.items() if found.is_shown}
        for is_fewer, word in ((True, "fewer"), (False, "more")):
            group = {name: each for name, each in shown.items() if _is_fewer(each) == is_fewer}
            if group:
                yield f"{lead}, {word} labels than {baseline}: {_list(group)}."
        yield from _open_sentences(lead, of_level, baseline)


def _open_sentences(lead: str, ratios: Mapping[str, WaitRatio], baseline: str) -> Iterator[str]:
    known = {name: each for name, each in ratios.items() if each.ratio is not None}
    tested = {name: each for name, each in known.items() if each.corrected_p is not None}
    if not_shown := [name for name, each in tested.items() if not each.is_shown]:
        yield f"{lead}, no difference from {baseline} is shown for {_names(not_shown)}."
    if untested := [name for name in known if name not in tested]:
        names = _names(untested)
        yield f"{lead}, nothing is claimed about {names}: fewer than {MIN_SEED_COUNT} seeds."
    if never := [name for name in ratios if name not in known]:
        yield f"{lead}, no run got there, neither of {baseline} nor of {_names(never)}."


def _is_fewer(found: WaitRatio) -> bool:
    return found.ratio is not None and found.ratio.value < 1


def _names(names: Iterable[str]) -> str:
    return "; ".join(map(spoken, names))


def _list(ratios: Mapping[str, WaitRatio]) -> str:
    return "; ".join(f"{spoken(name)} {ratio_text(each)}" for name, each in ratios.items())
