"""What an answer counts as in the end, when classes were merged, retired, restored and renamed."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tests.chaos.evidence import Answer
from tests.chaos.history import FinalClass, FinalTask
from tests.chaos.labels import NEGATIVE, POSITIVE, UNKNOWN
from tests.chaos.requests import Request

from aloe.client import ClassState, Label, LabelSet, Unmentioned

_CHANGES = {ClassState.MERGED: "MergeClass", ClassState.RETIRED: "RetireClass"}
_MAYBE = "negative or unknown"
"""Of a class that an answer does not name, and that may not have been there."""


class Meanings:
    """Of the labels of one task, by the classes that it has in the end.

    A name that a class has, or had, is that class's for good: callers give no name to another.
    """

    def __init__(self, requests: Iterable[Request], final: FinalTask) -> None:
        """Take all requests on the task."""
        self._final = final
        self._classes = {name: each for each in final.classes for name in each.names}
        self._members: dict[str, list[FinalClass]] = defaultdict(list)
        for each in final.classes:
            self._members[self._shown(each.name)].append(each)
        self._changes: dict[tuple[str, str], list[Request]] = defaultdict(list)
        for request in requests:
            if request.call == "change_classes":
                change = request.content
                self._changes[change["change"], change["class"]].append(request)

    def allows(self, given: Answer, stored: Label | None) -> bool:
        """Whether what is stored is what an answer counts as."""
        if isinstance(given.label, LabelSet) and isinstance(stored, LabelSet):
            return any(
                self._is_counted(said, stored) for said in self._readings(given.label, given)
            )
        if isinstance(given.label, str):
            return self._shown(given.label) == stored
        return given.label == stored

    def may_be(self, state: ClassState, name: str, start_s: float, end_s: float) -> bool:
        """Whether a class may have been merged or retired at some time between these two."""
        return any(
            each.start_s < end_s and not self._is_undone(each, name, start_s)
            for each in self._changes[_CHANGES[state], name]
        )

    def is_ever(self, state: ClassState, name: str) -> bool:
        """Whether it may have been so at any time."""
        return self.may_be(state, name, -math.inf, math.inf)

    def _is_undone(self, change: Request, name: str, by_s: float) -> bool:
        """Whether a class was restored for sure, after a change and before a time."""
        return any(
            change.last_s <= each.start_s and each.end_s <= by_s and each.until_s == math.inf
            for each in self._changes["RestoreClass", name]
        )

    def _shown(self, name: str) -> str:
        """The class that labels of a class go by; itself if it is retired, or unknown."""
        known = self._classes.get(name)
        if known is None:
            return name
        first = known
        while known.merged_into:
            known = self._classes[known.merged_into]
        return first.name if known.state is ClassState.RETIRED else known.name

    def _readings(self, label: LabelSet, given: Answer) -> Iterable[Mapping[str, str]]:
        """What may be said of each class: of one that a merged one counts as, nothing else is."""
        named = {
            self._classes[name].name: part
            for part in (POSITIVE, NEGATIVE, UNKNOWN)
            for name in getattr(label, part)
            if name in self._classes
        }
        yield self._completed(named)
        for name in named:
            for known in self._classes[name].names:
                into = self._merged_into(known)
                if into and self.may_be(ClassState.MERGED, known, given.start_s, given.end_s):
                    yield self._completed({into: UNKNOWN} | named)

    def _merged_into(self, name: str) -> str:
        merged = self._changes["MergeClass", name]
        return self._classes[merged[0].content["into"]].name if merged else ""

    def _completed(self, named: Mapping[str, str]) -> dict[str, str]:
        """Say what holds of the classes that are not named, too."""
        return {
            each.name: named.get(each.name, self._unmentioned(each)) for each in self._final.classes
        }

    def _unmentioned(self, known: FinalClass) -> str:
        if self._final.unmentioned is Unmentioned.UNKNOWN:
            return UNKNOWN
        return NEGATIVE if self._is_steady(known) else _MAYBE

    def _is_steady(self, known: FinalClass) -> bool:
        """Whether it was there all the time, to be answered with."""
        return known.is_original and not any(
            self.is_ever(state, name) for state in _CHANGES for name in known.names
        )

    def _is_counted(self, parts: Mapping[str, str], stored: LabelSet) -> bool:
        is_negative = self._final.unmentioned is Unmentioned.NEGATIVE
        for name, members in self._members.items():
            said = {parts[each.name] for each in members}
            told = next(
                (part for part in (POSITIVE, NEGATIVE, UNKNOWN) if name in getattr(stored, part)),
                NEGATIVE if is_negative else UNKNOWN,
            )
            if self._classes[name].state is not ClassState.ACTIVE:
                # Only that a clip is of it is told.
                if (told == POSITIVE) != (POSITIVE in said):
                    return False
            elif told not in _counted(said):
                return False
        return {*stored.positive, *stored.negative, *stored.unknown} <= self._members.keys()


def _counted(said: set[str]) -> set[str]:
    """Return what may be known of a class, by what is said of all that count as it."""
    for part in (POSITIVE, NEGATIVE):
        if part in said:
            return {part}
    return {NEGATIVE, UNKNOWN} if _MAYBE in said else {UNKNOWN}
