"""Who answers: the port, and an oracle that answers from ground truth."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from aloe.client import Lease


class Oracle(Protocol):
    """Answers for one clip at a time.

    label_task calls it in a worker thread, so that it may block; one that serves several tasks at
    once must bear to be called by several threads.
    """

    def answer(self, lease: Lease) -> str | None:
        """Return one of the task's classes, or None to abstain."""


class SimulatedOracle:
    """Answers from ground truth, with errors and abstentions at given rates.

    An answer depends on the seed and the clip alone, not on the order of the questions: asked
    again, it says the same. It keeps no state, so threads may share it.
    """

    def __init__(
        self,
        truth: Mapping[str, str],
        classes: Sequence[str],
        *,
        seed: int = 0,
        error_rate: float = 0.0,
        abstention_rate: float = 0.0,
    ) -> None:
        """Take the truth.

        Args:
            truth: clip id to class.
            classes: the task's classes; an error is one of the others, all as likely.
            seed: another one errs and abstains on other clips.
            error_rate: part of the answers that are wrong, abstentions not counted; 0 to 1.
            abstention_rate: part of the clips it abstains on; 0 to 1.

        Raises:
            ValueError: a rate is out of range, a true class is none of `classes`, or there are
                errors to make and no other class.
        """
        for name, rate in (("error_rate", error_rate), ("abstention_rate", abstention_rate)):
            if not 0.0 <= rate <= 1.0:
                raise ValueError(f"{name} must be 0 to 1, got {rate}")
        unknown = set(truth.values()) - set(classes)
        if unknown:
            raise ValueError(f"the truth holds {min(unknown)!r}, not one of {list(classes)}")
        if error_rate > 0.0 and len(set(classes)) < 2:
            raise ValueError(f"errors take at least two classes, got {list(classes)}")
        self._truth = truth
        self._classes = tuple(classes)
        self._seed = seed
        self._error_rate = error_rate
        self._abstention_rate = abstention_rate

    def answer(self, lease: Lease) -> str | None:
        """Return the class of the leased clip, one in error, or None.

        Raises:
            KeyError: the truth does not know the clip.
        """
        if lease.clip_id not in self._truth:
            raise KeyError(f"the truth has no class for clip {lease.clip_id!r}")
        true_class = self._truth[lease.clip_id]
        generator = self._generator(lease.clip_id)
        abstention_draw, error_draw = generator.random(2)
        if abstention_draw < self._abstention_rate:
            return None
        if error_draw < self._error_rate:
            others = [name for name in self._classes if name != true_class]
            return others[generator.integers(len(others))]
        return true_class

    def _generator(self, clip_id: str) -> np.random.Generator:
        digest = hashlib.sha256(f"{self._seed}/{clip_id}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:16], "little"))
