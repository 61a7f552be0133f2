"""Situations to pick in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.batches.situation import Situation

Float32Array = NDArray[np.float32]


def line(*places: float) -> Float32Array:
    """Make one-dimensional vectors, (n, 1) float32."""
    return np.array(places, np.float32).reshape(-1, 1)


def probabilities(rng: np.random.Generator, count: int, class_count: int) -> Float32Array:
    drawn = rng.dirichlet(np.full(class_count, 0.5), count)
    return drawn.reshape(count, class_count).astype(np.float32)


def random_situation(seed: int, **given: Any) -> Situation:
    """Make a situation with some duplicates and whatever is given by name."""
    rng = np.random.default_rng(seed)
    dim, class_count = int(rng.integers(1, 20)), int(rng.integers(1, 5))
    candidate_count, covered_count, reference_count = rng.integers([1, 0, 1], [40, 12, 90])

    def vectors(count: int) -> Float32Array:
        drawn = rng.normal(size=(count, dim)).astype(np.float32)
        return drawn[rng.integers(0, count, count)] if count else drawn

    candidates, covered = vectors(candidate_count), vectors(covered_count)
    fields: dict[str, Any] = {
        "candidates": candidates,
        "probabilities": probabilities(rng, candidate_count, class_count),
        "scores": rng.random(candidate_count, np.float32),
        "covered": covered,
        "covered_labels": rng.integers(-1, class_count, covered_count),
        "covered_probabilities": probabilities(rng, covered_count, class_count),
        "references": np.concatenate([candidates, vectors(reference_count)]),
        "seed": int(rng.integers(0, 2**40)),
        "count": int(rng.integers(0, 50)),
    }
    fields["reference_probabilities"] = probabilities(rng, len(fields["references"]), class_count)
    return Situation(**(fields | given))
