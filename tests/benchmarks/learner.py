"""`python -m tests.benchmarks.learner`: the learner against reading memory, plain numpy, a bare
gRPC echo and a bare Redis client; the default recipe first.

Figures called _over_ compare two sides, most by the median ratio of measurements taken in turns
within one run. The callers run in this process and share the processors with the service.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass, replace
from typing import Any

from tests.benchmarks.learner_batches import batch_figures
from tests.benchmarks.learner_default import MAPPED_DIM, default_figures, few_figures
from tests.benchmarks.learner_graphs import graph_figures
from tests.benchmarks.learner_growth import growth_table, query_figures
from tests.benchmarks.learner_kernels import (
    other_head_figures,
    scoring_figures,
    threads,
    training_figures,
)
from tests.benchmarks.learner_mapped import mapped_figures
from tests.benchmarks.learner_mapping import mapping_figures
from tests.benchmarks.learner_plain import clusters
from tests.benchmarks.learner_rounds import rounds_figures
from tests.benchmarks.learner_server import LearnerServer, clip_id, fill_pool, running_learner
from tests.benchmarks.learner_serving import CALLER_COUNT, predict_figures, storing_figures
from tests.benchmarks.measuring import machine

from aloe.client import KnownLabel, RecipeName, connect
from aloe.learner.domain.alignment import aligned
from aloe.learner.domain.graphs.membership import MAX_CLIP_COUNT

DIM, CLASS_COUNT = 1_024, 12


@dataclass(frozen=True, slots=True)
class Sizes:
    clip_count: int
    label_count: int
    round_count: int
    seed_count: int
    repeats: int
    duration_s: float
    growth: tuple[int, ...]
    graph_clip_count: int


FULL = Sizes(100_000, 1_260, 100, 5, 5, 4.0, (10_000, 100_000, 300_000), MAX_CLIP_COUNT)
QUICK = Sizes(10_000, 300, 10, 1, 3, 1.0, (2_000, 10_000), 2_000)


def served_figures(sizes: Sizes) -> dict[str, Any]:
    data = clusters(sizes.clip_count, DIM, CLASS_COUNT)
    figures: dict[str, Any] = storing_figures(data.embeddings, repeats=sizes.repeats)
    with running_learner() as server:
        with connect(server.address) as client:
            fill_pool(client, "pool", data.embeddings)
            classes = [f"class-{index}" for index in range(CLASS_COUNT)]
            client.create_task("predict", "pool", classes, recipe=RecipeName.PAPER)
            seeds = [KnownLabel(clip_id(row), classes[data.classes[row]]) for row in range(60)]
            client.import_labels("predict", seeds)
            client.predict("predict", embeddings=data.test_embeddings[:1], min_head_version=1)
        figures |= predict_figures(
            server.address,
            "predict",
            data.test_embeddings[0],
            server.folder,
            repeats=sizes.repeats,
            duration_s=sizes.duration_s,
        )
        figures |= _rounds(server, sizes, data)
        figures |= query_figures(server, "pool", data, repeats=sizes.repeats)
    return figures


def _rounds(server: LearnerServer, sizes: Sizes, data: Any) -> dict[str, Any]:
    return rounds_figures(
        server, "pool", data, round_count=sizes.round_count, seed_count=sizes.seed_count
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.learner")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--without-growth", action="store_true", help="leave out the growth table")
    parser.add_argument(
        "--clips", type=int, metavar="N", help="the default recipe alone, on a pool of N clips"
    )
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    if options.clips:
        sizes = replace(sizes, clip_count=options.clips)
    figures = _about(sizes) | _default(sizes)
    if not options.clips:
        figures |= _all_else(sizes)
        if not options.without_growth:
            figures["growth"] = growth_table(sizes.growth, (6, 12, 31), DIM, repeats=sizes.repeats)
    sys.stdout.write(json.dumps(figures) if options.json else table(figures))
    sys.stdout.write("\n")


def _about(sizes: Sizes) -> dict[str, Any]:
    return {
        "machine": machine(),
        "load_average": os.getloadavg()[0],
        "scoring_threads": threads(),
        "callers": f"{CALLER_COUNT} in the benchmark's process, on the same processors",
        "pool": f"{sizes.clip_count} x {DIM} float32, {CLASS_COUNT} classes",
    }


def _default(sizes: Sizes) -> dict[str, Any]:
    mapped_count, repeats = min(sizes.clip_count, FULL.clip_count), 4 * sizes.repeats
    figures: dict[str, Any] = mapping_figures(mapped_count, DIM, repeats=sizes.repeats)
    figures |= other_head_figures((300, 1_000), MAPPED_DIM, CLASS_COUNT, repeats=repeats)
    figures |= batch_figures(MAPPED_DIM, CLASS_COUNT, repeats=sizes.repeats)
    data = clusters(sizes.clip_count, DIM, CLASS_COUNT)
    data = replace(data, embeddings=aligned(data.embeddings))
    return figures | default_figures(data, repeats=repeats) | few_figures(data, repeats=repeats)


def _all_else(sizes: Sizes) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    figures |= scoring_figures(sizes.clip_count, DIM, CLASS_COUNT, repeats=3 * sizes.repeats)
    figures |= training_figures(sizes.label_count, DIM, CLASS_COUNT, repeats=sizes.repeats)
    figures |= graph_figures(sizes.graph_clip_count, MAPPED_DIM, repeats=sizes.repeats)
    figures |= served_figures(sizes)
    figures |= mapped_figures(sizes.clip_count, DIM, CLASS_COUNT)
    # A new head scores every clip anew, so the first Query after it takes a full pass.
    figures["query_after_head_over_full"] = figures["query_after_head_ms"] / figures["score_ms"]
    return figures


def table(figures: dict[str, Any]) -> str:
    lines = []
    for name, figure in figures.items():
        if name == "growth":
            lines += [" ".join(f"{k}={v:.4g}" for k, v in row.items()) for row in figure]
        elif isinstance(figure, float):
            lines.append(f"{name:40} {figure:.4g}")
        else:
            lines.append(f"{name:40} {figure}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
