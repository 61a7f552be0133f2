"""Batches by rules that look at how clips lie to each other: 12 of 300, in one thread."""

from functools import partial

import numpy as np
from tests.benchmarks.learner_plain import clusters
from tests.benchmarks.measuring import in_turns
from threadpoolctl import threadpool_limits

from aloe.learner.domain.batches.ground import REFERENCE_COUNT
from aloe.learner.domain.batches.herding import HerdingState, References
from aloe.learner.domain.batches.rules import RULES
from aloe.learner.domain.batches.situation import Situation, uncertainty

_CANDIDATE_COUNT, _COVERED_COUNT = 300, 300
_PARTS = REFERENCE_COUNT, REFERENCE_COUNT + _CANDIDATE_COUNT


def batch_figures(dim: int, class_count: int, *, repeats: int) -> dict[str, float]:
    """Pick by every rule; by herding also in its parts: once a pool, once a head, each query."""
    clip_count = _PARTS[-1] + _COVERED_COUNT
    vectors = np.split(clusters(clip_count, dim, class_count).embeddings, _PARTS)
    references, candidates, covered = vectors
    rng = np.random.default_rng(0)
    unsure = rng.dirichlet(np.full(class_count, 0.3), clip_count).astype(np.float32)
    probabilities = np.split(unsure, _PARTS)
    situation = Situation(
        candidates=candidates,
        probabilities=probabilities[1],
        scores=rng.random(len(candidates), np.float32),
        covered=covered,
        covered_labels=rng.integers(0, class_count, len(covered)),
        covered_probabilities=probabilities[2],
        references=references,
        reference_probabilities=probabilities[0],
        seed=0,
        count=12,
    )
    ground = References(references)
    state = HerdingState(uncertainty(probabilities[0]), ground.similarities(candidates))
    cover, leased = ground.cover(covered), np.arange(20)
    works = {
        "references": lambda: References(references),
        "herding_head": lambda: HerdingState(
            uncertainty(probabilities[0]), ground.similarities(candidates)
        ),
        "herding_pick_1": lambda: state.pick(1, cover, leased),
        "herding_pick_12": lambda: state.pick(12, cover, leased),
        "herding_pick_100": lambda: state.pick(100, cover, leased),
    } | {f"{rule.name.lower()}_batch": partial(pick, situation) for rule, pick in RULES.items()}
    with threadpool_limits(limits=1, user_api="blas"):
        taken = in_turns(repeats, *works.values())
    return {
        f"{name}_ms": 1e3 * float(np.median(each)) for name, each in zip(works, taken, strict=True)
    }
