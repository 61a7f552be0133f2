"""k-center batches: the clip that is farthest from all covered ones, again and again.

The greedy cover of Sener and Savarese, "Active Learning for Convolutional Neural Networks: A
Core-Set Approach" (ICLR 2018), which is Gonzalez's (1985).
"""

import numpy as np

from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.distances import nearer_of


def k_center(situation: Situation) -> Picks:
    """Pick by k-center.

    Gains are squared distances to the nearest clip that is covered or picked. Where nothing is
    covered the first pick is the clip that is nearest to the middle of the references, and its gain
    infinite.
    """
    candidates, count = situation.candidates, situation.pick_count
    _, nearest = DistancesTo(situation.covered).nearest_to(candidates)
    places, gains = np.empty(count, np.int64), np.empty(count, np.float32)
    for k in range(count):
        is_first = not k and not len(situation.covered)
        place = _most_central(situation) if is_first else int(nearest.argmax())
        places[k], gains[k] = place, nearest[place]
        nearer_of(candidates, candidates[place], nearest)
        # Not picked again, also where others are at distance 0.
        nearest[places[: k + 1]] = -1
    return Picks(places, gains)


def _most_central(situation: Situation) -> int:
    among = situation.references if len(situation.references) else situation.candidates
    centre = among.mean(axis=0, dtype=np.float64).astype(np.float32)
    distances = np.full(len(situation.candidates), np.inf, np.float32)
    nearer_of(situation.candidates, frozen(centre), distances)
    return int(distances.argmin())
