"""How hard clips are, for oracles that err on hard ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def hardness_of(clip_ids: Sequence[str], probabilities: NDArray[np.floating]) -> dict[str, float]:
    """Return how hard each clip is: 1 - (p1 - p2), p1 and p2 its two largest probabilities.

    Take them from a head that was trained on every label: to an early head, a clip may be hard
    only because there were few labels.

    Args:
        clip_ids: n_clips of them.
        probabilities: (n_clips, n_classes), such as Predictions.probabilities.

    Returns:
        Clip id to hardness, 0 to 1.
    """
    in_order = np.sort(probabilities, axis=1).astype(np.float64)
    hardness = np.clip(1.0 - (in_order[:, -1] - in_order[:, -2]), 0.0, 1.0)
    return dict(zip(clip_ids, hardness.tolist(), strict=True))
