"""Simulated oracles as text: `perfect`, `noise:0.1+abstain:0.05`, `majority:3:noise:0.2`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aloe.client import Label
from aloe.oracle.behaviours import Abstention, Behaviour, Confusion, Mistake, Noise, Slowness
from aloe.oracle.oracles import OracleError, TimedOracle
from aloe.oracle.simulated import MajorityOracle, SimulatedOracle

PERFECT = "perfect"
GRAMMAR = (
    "perfect, or parts joined by '+': noise:RATE, hard:RATE, confusion:CLASS>SAID:RATE,...,"
    " abstain:RATE, abstain-hard:RATE, slow:SECONDSs; majority:COUNT: in front for several oracles"
)


@dataclass(frozen=True, slots=True)
class OracleSpec:
    """Describes a simulated oracle; its str() is what parse_oracle reads."""

    behaviours: tuple[Behaviour, ...] = ()
    """Applied in this order, at most one of a kind."""
    voter_count: int = 1
    """How many such oracles vote on each clip."""

    @property
    def needs_hardness(self) -> bool:
        """Whether `build` needs the hardness of each clip."""
        return any(each.on_hard_clips for each in self.behaviours)

    def check_classes(self, classes: Sequence[str]) -> None:
        """Refuse to name a class that the task does not have.

        Raises:
            OracleError: a confusion names one.
        """
        for each in self.behaviours:
            if isinstance(each, Confusion):
                each.check_classes(classes)

    def check_several(self) -> None:
        """Refuse what goes with one label a clip only.

        Raises:
            OracleError: it is more than to abstain, on whatever clips, and to be slow.
        """
        for each in self.behaviours:
            if not isinstance(each, Abstention | Slowness) or each.on_hard_clips:
                raise OracleError(
                    f"{each} is of one label a clip; abstain and slow go with several"
                )

    def build(
        self,
        truth: Mapping[str, Label],
        classes: Sequence[str],
        seed: int,
        hardness: Mapping[str, float] | None = None,
        *,
        name: str = "",
    ) -> TimedOracle:
        """Make the oracle.

        Args:
            truth: clip id to class, or of several labels a clip to all of them.
            classes: the task's classes.
            seed: another one makes the oracle err on other clips.
            hardness: clip id to 0 to 1, if needs_hardness; see hardness_of.
            name: likewise; tells oracles with the same seed apart.

        Raises:
            OracleError: it does not fit the classes, the truth or the hardness.
        """
        voters = [
            SimulatedOracle(
                truth,
                classes,
                self.behaviours,
                seed=seed,
                name=f"{name}#{voter}" if voter else name,
                hardness=hardness,
            )
            for voter in range(self.voter_count)
        ]
        return voters[0] if len(voters) == 1 else MajorityOracle(voters)

    def __str__(self) -> str:
        majority = f"majority:{self.voter_count}:" if self.voter_count > 1 else ""
        return majority + ("+".join(map(str, self.behaviours)) or PERFECT)


def parse_oracle(text: str) -> OracleSpec:
    """Read an oracle from text; the grammar is GRAMMAR.

    `majority` applies to all that follows it. Class names with `+`, `,` or `>` cannot be written.

    Raises:
        OracleError: one line that says what is wrong, and what to write instead.
    """
    voter_count = 1
    if text.startswith("majority:"):
        count, _, text = text.removeprefix("majority:").partition(":")
        if not (count.isdecimal() and int(count) > 1):
            raise OracleError(f"majority takes 2 oracles or more, got {count!r}")
        voter_count = int(count)
    if text.strip() == PERFECT:
        return OracleSpec(voter_count=voter_count)
    behaviours: list[Behaviour] = []
    for part in text.split("+"):
        try:
            behaviour = _parse_part(part.strip())
        except ValueError as error:
            if isinstance(error, OracleError):
                raise
            raise OracleError(f"{part.strip()!r} is no oracle; there are {GRAMMAR}") from None
        if behaviour.kind in {each.kind for each in behaviours}:
            raise OracleError(f"{behaviour.kind} stands twice in {text!r}: name each kind once")
        behaviours.append(behaviour)
    return OracleSpec(tuple(behaviours), voter_count)


def _parse_part(part: str) -> Behaviour:
    """Read one behaviour; a ValueError other than OracleError means that the text is not one."""
    kind, _, value = part.partition(":")
    match kind:
        case "noise" | "hard":
            return Noise(float(value), on_hard_clips=kind == "hard")
        case "abstain" | "abstain-hard":
            return Abstention(float(value), on_hard_clips=kind == "abstain-hard")
        case "confusion":
            return Confusion(tuple(map(_parse_mistake, value.split(","))))
        case "slow" if value.endswith("s"):
            return Slowness(float(value.removesuffix("s")))
    raise ValueError(part)


def _parse_mistake(text: str) -> Mistake:
    pair, _, rate = text.rpartition(":")
    label, said = (name.strip() for name in pair.split(">"))
    if not (label and said):
        raise ValueError(text)
    return Mistake(label, said, float(rate))
