"""Oracles that answer from ground truth, with the errors that their behaviours make."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence

from aloe.client import Label, LabelSet, Lease
from aloe.oracle.behaviours import Abstention, Behaviour, Confusion, Draw, Noise, Slowness
from aloe.oracle.oracles import OracleError


class SimulatedOracle:
    """Answers from ground truth, changed by each behaviour in turn until one abstains.

    An answer and the time it takes depend only on the seed, the oracle's name and the clip, not on
    the order of the questions: asked again, it answers the same. It keeps no state.
    """

    def __init__(
        self,
        truth: Mapping[str, Label],
        classes: Sequence[str],
        behaviours: Sequence[Behaviour] = (),
        *,
        seed: int = 0,
        name: str = "",
        hardness: Mapping[str, float] | None = None,
    ) -> None:
        """Check that truth, classes, behaviours and hardness fit together.

        Args:
            truth: clip id to class, or of several labels a clip to all of them.
            classes: the task's classes.
            behaviours: applied in this order, at most one of a kind.
            seed: another one makes it err, abstain and be slow on other clips.
            name: likewise; tells oracles with the same seed apart.
            hardness: clip id to 0 to 1, for behaviours on hard clips.

        Raises:
            OracleError: several labels a clip go with other behaviours than abstaining and being
                slow; a kind of behaviour occurs twice, the truth or a confusion names a class
                that is not in `classes`, noise has only one class, or a behaviour on hard clips
                lacks a hardness of 0 to 1 for a clip.
        """
        self._truth = truth
        self._classes = tuple(classes)
        self._behaviours = tuple(behaviours)
        self._seed, self._name = seed, name
        self._hardness = hardness or {}
        self._check()

    def answer(self, lease: Lease) -> Label | None:
        """Return what the oracle takes the leased clip for, or None to abstain.

        Raises:
            KeyError: the truth does not know the clip.
        """
        clip_id = lease.clip_id
        if clip_id not in self._truth:
            raise KeyError(f"the truth has no class for clip {clip_id!r}")
        said: Label | None = self._truth[clip_id]
        for behaviour in self._behaviours:
            draw = self._draw(behaviour, clip_id)
            if isinstance(said, str):
                said = behaviour.act(said, draw)
            elif isinstance(behaviour, Abstention) and behaviour.act("", draw) is None:
                said = None
        return said

    def answer_time_s(self, lease: Lease) -> float:
        """Return the seconds that it takes over the leased clip."""
        return sum(
            each.time_s(self._draw(each, lease.clip_id))
            for each in self._behaviours
            if isinstance(each, Slowness)
        )

    def _draw(self, behaviour: Behaviour, clip_id: str) -> Draw:
        key = f"{self._seed}/{self._name}/{behaviour.kind}/{clip_id}"
        digest = hashlib.sha256(key.encode()).digest()
        # 53 bits: all that a float holds exactly.
        chance, choice = (int.from_bytes(digest[at : at + 8], "little") >> 11 for at in (0, 8))
        hardness = self._hardness[clip_id] if behaviour.on_hard_clips else 0.0
        return Draw(self._classes, hardness, chance * 2.0**-53, choice * 2.0**-53)

    def _check(self) -> None:
        labels = set(self._truth.values())
        sets = {label for label in labels if isinstance(label, LabelSet)}
        named = {label for label in labels if isinstance(label, str)}
        unknown = named.union(*(label.positive for label in sets)) - set(self._classes)
        if unknown:
            raise OracleError(
                f"the truth holds {min(unknown)!r}; the classes are {', '.join(self._classes)}"
            )
        for behaviour in self._behaviours if sets else ():
            if not isinstance(behaviour, Abstention | Slowness):
                raise OracleError(
                    f"{behaviour} is of one label a clip, and the truth has several; abstain and"
                    " slow go with those"
                )
        kinds = [behaviour.kind for behaviour in self._behaviours]
        if len(set(kinds)) < len(kinds):
            raise OracleError(f"{'+'.join(map(str, self._behaviours))} has one kind twice")
        for behaviour in self._behaviours:
            if isinstance(behaviour, Confusion):
                behaviour.check_classes(self._classes)
            if behaviour.on_hard_clips:
                self._check_hardness(behaviour)
            if isinstance(behaviour, Noise) and len(set(self._classes)) < 2:
                raise OracleError(f"{behaviour} takes two classes, got {list(self._classes)}")

    def _check_hardness(self, behaviour: Behaviour) -> None:
        for clip_id in self._truth:
            hardness = self._hardness.get(clip_id, math.nan)
            if not 0.0 <= hardness <= 1.0:
                raise OracleError(
                    f"{behaviour} needs the hardness of each clip, 0 to 1: {clip_id!r} has"
                    f" {hardness:g}"
                )


class MajorityOracle:
    """Several oracles vote on each clip: what has the most votes is the answer.

    Abstentions are not votes. A tie is an abstention: that costs no label budget, where a guess
    would cost a label and might be wrong.
    """

    def __init__(self, voters: Sequence[SimulatedOracle]) -> None:
        self._voters = tuple(voters)

    def answer(self, lease: Lease) -> Label | None:
        """Return the answer with the most votes, or None to abstain.

        Raises:
            KeyError: the truth does not know the clip.
        """
        votes = Counter(voter.answer(lease) for voter in self._voters)
        del votes[None]
        ranked = votes.most_common(2)
        if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
            return None
        return ranked[0][0]

    def answer_time_s(self, lease: Lease) -> float:
        """Return the seconds of the slowest, since they answer at the same time."""
        return max(voter.answer_time_s(lease) for voter in self._voters)
