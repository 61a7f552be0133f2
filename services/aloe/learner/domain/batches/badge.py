"""BADGE: clips whose gradients are large and far apart.

Ash, Zhang, Krishnamurthy, Langford and Agarwal, "Deep Batch Active Learning by Diverse, Uncertain
Gradient Lower Bounds" (ICLR 2020). The gradient of a clip is that of its loss by the head's
weights, were it what it is predicted to be: (p - onehot(argmax p)) x^T. The first pick has the
longest; each further one is drawn by its squared distance to the nearest gradient before it.
"""

import numpy as np

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.batches.drawing import draw, generator
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.kernels.compiling import frozen
from aloe.learner.domain.kernels.gradients import nearer_gradients


def badge(situation: Situation) -> Picks:
    """Pick by BADGE; the clips that wait for an answer count as picked before.

    Gains are squared distances to the nearest gradient before, the first one to 0.
    """
    vectors, errors = situation.candidates, _errors(situation.probabilities)
    nearest = np.full(len(vectors), np.inf, np.float32)

    def count_as_picked(vector: Float32Array, error: Float32Array) -> None:
        nearer_gradients(vectors, errors, vector, error, nearest)

    waiting = situation.waiting
    waiting_errors = _errors(situation.covered_probabilities[waiting])
    for vector, error in zip(frozen(situation.covered[waiting]), waiting_errors, strict=True):
        count_as_picked(vector, error)
    picked: list[int] = []
    is_picked = np.zeros(len(vectors), np.bool_)
    gains = np.empty(situation.pick_count, np.float32)
    rng = generator(situation.seed)
    for k in range(len(gains)):
        if np.isinf(nearest).all():
            lengths = np.full(len(vectors), np.inf, np.float32)
            nothing = frozen(np.zeros_like(vectors[0])), frozen(np.zeros_like(errors[0]))
            nearer_gradients(vectors, errors, *nothing, lengths)
            place, gains[k] = int(lengths.argmax()), lengths.max()
        else:
            # A picked one is at distance 0 from itself, up to rounding.
            nearest[is_picked] = 0
            place = draw(rng, nearest) if nearest.any() else int(is_picked.argmin())
            gains[k] = nearest[place]
        picked.append(place)
        is_picked[place] = True
        count_as_picked(vectors[place], errors[place])
    return Picks(np.array(picked, np.int64), gains)


def _errors(probabilities: Float32Array) -> Float32Array:
    """Return p - onehot(argmax p), (n, n_classes) float32."""
    errors = probabilities.copy()
    errors[np.arange(len(errors)), probabilities.argmax(axis=1)] -= 1
    return frozen(errors)
