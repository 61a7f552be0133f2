"""Drawing by squared distance, as k-means++ does.

Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding" (2007).
"""

import numpy as np

from aloe.learner.domain.arrays import Float32Array


def generator(seed: int) -> np.random.Generator:
    """Return the generator of a seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))


def draw(rng: np.random.Generator, weights: Float32Array) -> int:
    """Draw a place with a probability in proportion to its weight.

    Args:
        rng: gives one number.
        weights: (n,) float32, not negative, not all 0.
    """
    sums = np.cumsum(weights, dtype=np.float64)
    place = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
    # Rounding may lead past the last that has a weight.
    return min(place, int(np.flatnonzero(weights)[-1]))
