"""`python -m tests.benchmarks.searching`: SearchClips against reading the pool once.

First the search itself, on the threads that read, both by turns; then calls through gRPC, of which
the first reads the pool from Redis and the first with a filter all clips.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.learner_kernels import Scoring
from tests.benchmarks.learner_server import FINGERPRINT, clip_id, running_learner
from tests.benchmarks.measuring import in_turns, machine, median_ratio, resident_mb, seconds

from aloe.client import Attributes, LearnerClient, NewClip, Similarity, connect
from aloe.learner.domain.alignment import aligned_empty
from aloe.learner.domain.similarity import Comparison, most_similar

DIM, COUNT, SITE_COUNT = 1_024, 50, 20
_ROWS_AT_ONCE = 10_000
Float32Array = NDArray[np.float32]


def filled_pool(clip_count: int) -> Scoring:
    embeddings = aligned_empty((clip_count, DIM))
    for number, block in enumerate(blocks(clip_count)):
        embeddings[number * _ROWS_AT_ONCE :][: len(block)] = block
    return Scoring(embeddings, 2)


def kernel_figures(pool: Scoring, repeats: int) -> dict[str, float]:
    """Search a pool that is in memory."""
    rows, example = np.arange(len(pool.embeddings)), pool.embeddings[0].copy()

    def search(similarity: Similarity) -> None:
        comparison = Comparison(pool.embeddings, rows, example, similarity)
        pool.share(comparison.share)
        most_similar(comparison.similarities, COUNT)

    read, dot, cosine = in_turns(
        repeats, pool.read, lambda: search(Similarity.DOT), lambda: search(Similarity.COSINE)
    )
    return {
        "read_ms": 1e3 * statistics.median(read),
        "dot_ms": 1e3 * statistics.median(dot),
        "cosine_ms": 1e3 * statistics.median(cosine),
        "dot_over_read": median_ratio(dot, read),
        "cosine_over_read": median_ratio(cosine, read),
    }


def served_figures(pool: Scoring, repeats: int) -> dict[str, float]:
    """Search through gRPC, in turns with reading the pool here."""
    clip_count, example = len(pool.embeddings), pool.embeddings[0].copy()
    with running_learner() as server, connect(server.address) as client:
        client.create_pool("pool", encoder_fingerprint=FINGERPRINT, embedding_dim=DIM)
        figures = {"import_s": seconds(lambda: client.import_clips("pool", clips(clip_count)))}
        narrow = 'site = "site-3"'
        figures["first_s"] = seconds(lambda: search(client, example))
        figures["first_filtered_s"] = seconds(lambda: search(client, example, narrow))
        read, whole, filtered = in_turns(
            repeats,
            pool.read,
            lambda: search(client, example),
            lambda: search(client, example, narrow),
        )
        return figures | {
            "search_ms": 1e3 * statistics.median(whole),
            "filtered_ms": 1e3 * statistics.median(filtered),
            "search_over_read": median_ratio(whole, read),
            "filtered_over_read": median_ratio(filtered, read),
            "learner_mb": resident_mb(server.pid),
        }


def search(client: LearnerClient, example: Float32Array, narrow: str = "") -> None:
    assert len(client.search_clips("pool", example, count=COUNT, filter=narrow).found) == COUNT


def blocks(clip_count: int) -> Iterator[Float32Array]:
    """Yield embeddings, some at a time, (n, DIM) float32."""
    for begin in range(0, clip_count, _ROWS_AT_ONCE):
        generator = np.random.default_rng(begin)
        size = min(_ROWS_AT_ONCE, clip_count - begin), DIM
        yield generator.standard_normal(size, dtype=np.float32)


def clips(clip_count: int) -> Iterator[NewClip]:
    row = 0
    for block in blocks(clip_count):
        for embedding in block:
            known: Attributes = {"site": f"site-{row % SITE_COUNT}", "depth": float(row)}
            yield NewClip(clip_id(row), embedding=embedding, attributes=known)
            row += 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.searching")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "machine": machine(),
        "load_average": os.getloadavg()[0],
        "pool": f"{options.clips} x {DIM} float32",
    }
    pool = filled_pool(options.clips)
    figures |= kernel_figures(pool, options.repeats)
    figures |= served_figures(pool, options.repeats)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name, figure in figures.items():
        shown = f"{figure:.4g}" if isinstance(figure, float) else figure
        sys.stdout.write(f"{name:24} {shown}\n")


if __name__ == "__main__":
    main()
