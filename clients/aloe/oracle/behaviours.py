"""How simulated oracles depart from the truth; str() of a behaviour is what parse_oracle reads.

Whether one acts on a clip depends on the clip, the seed, the oracle's name, the kind of behaviour
and its rate: at a higher rate an oracle errs on all clips that it errs on at a lower one, and more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from aloe.oracle.oracles import OracleError


@dataclass(frozen=True, slots=True)
class Draw:
    """All that decides how a behaviour acts on one clip."""

    classes: tuple[str, ...]
    """The task's."""
    hardness: float
    """The clip's, 0 to 1."""
    chance: float
    """Uniform in [0, 1): the behaviour acts if this is below its probability."""
    choice: float
    """Uniform in [0, 1): picks the wrong class."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Takes a clip for one of the other classes, each equally likely."""

    rate: float
    """Share of wrong answers, 0 to 1; with on_hard_clips, the share at a hardness of 1."""
    on_hard_clips: bool = False
    """Errs in proportion to a clip's hardness."""

    def __post_init__(self) -> None:
        _check_rate(self.kind, self.rate)

    @property
    def kind(self) -> str:
        """Its name in the grammar."""
        return "hard" if self.on_hard_clips else "noise"

    def act(self, label: str, draw: Draw) -> str | None:
        """Return what is said instead of a label."""
        if draw.chance >= _probability(self, draw):
            return label
        others = [name for name in draw.classes if name != label]
        return others[int(draw.choice * len(others))]

    def __str__(self) -> str:
        return f"{self.kind}:{_number(self.rate)}"


@dataclass(frozen=True, slots=True)
class Abstention:
    """Says that it cannot tell."""

    rate: float
    """Share of abstentions, 0 to 1; with on_hard_clips, the share at a hardness of 1."""
    on_hard_clips: bool = False
    """Abstains in proportion to a clip's hardness."""

    def __post_init__(self) -> None:
        _check_rate(self.kind, self.rate)

    @property
    def kind(self) -> str:
        """Its name in the grammar."""
        return "abstain-hard" if self.on_hard_clips else "abstain"

    def act(self, label: str, draw: Draw) -> str | None:
        """Return what is said instead of a label."""
        return None if draw.chance < _probability(self, draw) else label

    def __str__(self) -> str:
        return f"{self.kind}:{_number(self.rate)}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One off-diagonal entry of a confusion matrix."""

    label: str
    said: str
    rate: float
    """Share of the clips of class `label` that are answered with `said`, 0 to 1."""

    def __str__(self) -> str:
        return f"{self.label}>{self.said}:{_number(self.rate)}"


@dataclass(frozen=True, slots=True)
class Confusion:
    """Takes certain classes for certain others."""

    kind: ClassVar[str] = "confusion"
    on_hard_clips: ClassVar[bool] = False
    mistakes: tuple[Mistake, ...]

    def __post_init__(self) -> None:
        totals: dict[str, float] = {}
        for each in self.mistakes:
            _check_rate(self.kind, each.rate)
            totals[each.label] = totals.get(each.label, 0.0) + each.rate
            if each.label == each.said:
                raise OracleError(
                    f"confusion takes two classes, got {each}; as in cough>sneeze:0.3"
                )
        pairs = {(each.label, each.said) for each in self.mistakes}
        if len(pairs) < len(self.mistakes):
            raise OracleError(f"{self} names a pair of classes twice: name each once")
        for label, total in totals.items():
            if total > 1.0 + 1e-9:  # 0.7 + 0.2 + 0.1 is not exactly 1 in floating point
                raise OracleError(f"{self} mistakes {label!r} {total:.3g} times: at most 1 in all")

    def check_classes(self, classes: Sequence[str]) -> None:
        """Refuse a class that the task does not have.

        Raises:
            OracleError: a mistake names one.
        """
        for name in (name for each in self.mistakes for name in (each.label, each.said)):
            if name not in classes:
                raise OracleError(f"{self} names {name!r}; the classes are {', '.join(classes)}")

    def act(self, label: str, draw: Draw) -> str | None:
        """Return what is said instead of a label."""
        up_to = 0.0
        for each in self.mistakes:
            if each.label == label:
                up_to += each.rate
                if draw.chance < up_to:
                    return each.said
        return label

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(map(str, self.mistakes))}"


@dataclass(frozen=True, slots=True)
class Slowness:
    """Takes a time over each clip that is drawn from an exponential distribution."""

    kind: ClassVar[str] = "slow"
    on_hard_clips: ClassVar[bool] = False
    mean_s: float

    def __post_init__(self) -> None:
        if not 0.0 < self.mean_s < math.inf:
            raise OracleError(f"slow takes seconds over 0, as in slow:0.2s, got {self.mean_s:g}")

    def act(self, label: str, _: Draw) -> str | None:
        """Return the label unchanged: slow is not wrong."""
        return label

    def time_s(self, draw: Draw) -> float:
        """Return the seconds that it takes."""
        return -self.mean_s * math.log1p(-draw.chance)

    def __str__(self) -> str:
        return f"{self.kind}:{_number(self.mean_s)}s"


Behaviour = Noise | Abstention | Confusion | Slowness


def _check_rate(name: str, rate: float) -> None:
    if not 0.0 <= rate <= 1.0:
        raise OracleError(f"{name} takes a rate of 0 to 1, got {rate:g}")


def _number(value: float) -> str:
    """Write the shortest text that reads back as the same number: 0.1, 1, 0.00001."""
    return np.format_float_positional(value, trim="-")


def _probability(behaviour: Noise | Abstention, draw: Draw) -> float:
    return behaviour.rate * (draw.hardness if behaviour.on_hard_clips else 1.0)
