"""BAIT: clips that tell most of the weights that matter for the pool.

Ash, Goel, Krishnamurthy and Kakade, "Gone Fishing: Neural Active Learning with Fisher Embeddings"
(NeurIPS 2021), with the diagonal of the Fisher information: p_k (1 - p_k) x_d^2 of a clip for the
weight of class k and value d. Picks lower the trace of M^-1 I, where M is what the covered clips
and the picks tell and I what is asked of the head over the pool. Forward steps only: the paper then
takes the worst of twice as many picks away, so that its first k are not the batch of k.
"""

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.kernels.gradients import add_information, inform_greedily

_PRIOR = 1.0
"""Precision of each weight before any label, as in the paper, where values are 1 in the mean square
over the references."""
_MOST = 1e30
"""Of a squared value: float32 holds the sum of many."""


def bait(situation: Situation) -> Picks:
    """Pick by BAIT. Gains are what each pick lowers the trace by."""
    # What is learned does not depend on the unit of the vectors.
    own_squares = np.square(situation.references, dtype=np.float64)
    unit = float(own_squares.mean()) if own_squares.any() else 1.0

    def squares(vectors: Float32Array) -> Float32Array:
        return np.minimum(np.square(vectors, dtype=np.float64) / unit, _MOST).astype(np.float32)

    shape = situation.probabilities.shape[1], situation.candidates.shape[1]
    wanted, precision = np.zeros(shape, np.float32), np.full(shape, _PRIOR, np.float32)
    add_information(
        _variances(situation.reference_probabilities), squares(situation.references), wanted
    )
    wanted /= max(len(situation.references), 1)
    add_information(
        _variances(situation.covered_probabilities), squares(situation.covered), precision
    )
    count = situation.pick_count
    places, gains = np.empty(count, np.int64), np.empty(count, np.float32)
    inform_greedily(
        _variances(situation.probabilities),
        squares(situation.candidates),
        wanted,
        precision,
        places,
        gains,
    )
    return Picks(places, gains)


def _variances(probabilities: Float32Array) -> Float32Array:
    """Return p (1 - p), (n, n_classes) float32, not negative."""
    variances: Float32Array = np.maximum(probabilities * (1 - probabilities), 0)
    return variances
