"""What oracles say of a clip of several classes: mostly the truth, in one of the ways to say it."""

import random

from tests.chaos.scene import TaskPlan

from aloe.client import LabelSet, Unmentioned

TWIN_SHARE = 0.3
"""How often an answer names the twin of a class instead of the class."""
_WRONG_SHARE, _UNKNOWN_SHARE, _UNSAID_SHARE = 0.05, 0.1, 0.3


def several_labels(plan: TaskPlan, truth: LabelSet, rng: random.Random) -> LabelSet:
    """Say what a clip is of; where that is not told by what is left out, what it is not, too.

    It never names both a class and its twin, which may be one by then.
    """
    positive, negative, unknown = list[str](), list[str](), list[str]()
    for name in plan.classes:
        is_first = name == plan.classes[0]
        named = plan.twin if is_first and rng.random() < TWIN_SHARE else name
        if rng.random() < _UNKNOWN_SHARE and name != plan.classes[-1]:
            unknown.append(name)
        elif (name in truth.positive) != (rng.random() < _WRONG_SHARE):
            positive.append(named)
        elif plan.unmentioned is Unmentioned.UNKNOWN and rng.random() > _UNSAID_SHARE:
            negative.append(named)
    if plan.unmentioned is Unmentioned.UNKNOWN and not positive and not negative:
        negative.append(plan.classes[-1])
    return LabelSet(tuple(positive), tuple(negative), tuple(unknown))
