"""k-means batches: clips in the middle of what the head is unsure of.

Zhdanov, "Diverse mini-batch Active Learning" (2019) weighs clips by their uncertainty and asks for
those nearest to the means. Means are no clips and move with their number, so that the first k of a
longer batch would not be the batch of k. Here the centres are clips and come one at a time, each
lowering sum_r u_r min d_r^2 most: BUILD of Kaufman and Rousseeuw, "Finding Groups in Data" (1990),
on squared distances. Covered clips are centres already. u as in herding.
"""

import numpy as np

from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.situation import Picks, Situation, uncertainty
from aloe.learner.domain.kernels.covering import cover_greedily


def k_means(situation: Situation) -> Picks:
    """Pick by k-means.

    Gains are what each pick lowers the sum by; where nothing is covered yet, every reference begins
    at its farthest candidate.
    """
    nearness = -DistancesTo(situation.references).of(situation.candidates)
    cover = nearness.min(axis=0, initial=0)
    if len(situation.covered):
        cover = -DistancesTo(situation.covered).nearest_to(situation.references)[1]
    count = situation.pick_count
    places, gains = np.empty(count, np.int64), np.empty(count, np.float32)
    cover_greedily(
        nearness,
        uncertainty(situation.reference_probabilities),
        cover,
        np.ones(len(nearness), np.bool_),
        places,
        gains,
    )
    return Picks(places, gains)
