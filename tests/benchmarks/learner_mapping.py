"""Mapping a pool compared with reading it; fitting a map; mapping one vector."""

import numpy as np
from tests.benchmarks.learner_kernels import Float32Array, Scoring
from tests.benchmarks.learner_plain import clusters
from tests.benchmarks.measuring import in_turns, median_ratio, seconds

from aloe.learner.domain.alignment import aligned, aligned_empty
from aloe.learner.domain.representations.fitting import fit
from aloe.values.representations import Representation

_ONE_COUNT = 200


def mapping_figures(clip_count: int, embedding_dim: int, *, repeats: int) -> dict[str, float]:
    """Map on the threads that read: all cores. One vector is mapped in one thread."""
    embeddings = aligned(clusters(clip_count, embedding_dim, 12).embeddings)
    figures: dict[str, float] = {}
    for kind in (Representation.LINEAR, Representation.KERNEL):
        for name, figure in _figures_of(kind, embeddings, repeats).items():
            figures[f"{kind.value}_{name}"] = figure
    return figures


def _figures_of(kind: Representation, embeddings: Float32Array, repeats: int) -> dict[str, float]:
    pool = Scoring(embeddings, 12)
    fitted = fit(kind, embeddings, seed=0)  # compiles what it needs
    out = aligned_empty((len(embeddings), fitted.out_dim))

    def map_share(begin: int, end: int) -> None:
        fitted.map_share(embeddings, out, begin, end)

    read, mapped = in_turns(repeats, pool.read, lambda: pool.share(map_share))
    one = in_turns(_ONE_COUNT, lambda: fitted.map(embeddings[:1]))[0]
    return {
        "fit_s": seconds(lambda: fit(kind, embeddings, seed=0)),
        "map_s": float(np.median(mapped)),
        "map_over_read": median_ratio(mapped, read),
        "map_one_vector_us": 1e6 * float(np.median(one)),
    }
