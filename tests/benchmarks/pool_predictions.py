"""`python -m tests.benchmarks.pool_predictions`: PredictPool against scoring the pool once.

Scoring is what the learner does for queries, on the same threads, in turns with calls through gRPC,
of which every block is read; and then the same into a Parquet file by `aloe predict --pool`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.learner_kernels import Scoring
from tests.benchmarks.learner_plain import Clusters, clusters
from tests.benchmarks.learner_server import clip_id, fill_pool, running_learner
from tests.benchmarks.measuring import in_turns, machine, median_ratio, resident_mb, seconds

from aloe.client import KnownLabel, LearnerClient, RecipeName, connect

DIM, CLASS_COUNT, LABEL_COUNT = 1_024, 12, 300
_TASK, _POOL = "task", "pool"


def trained(client: LearnerClient, data: Clusters, recipe: RecipeName) -> None:
    """Make a task with a head."""
    names = [f"class-{index}" for index in range(CLASS_COUNT)]
    client.create_task(_TASK, _POOL, names, recipe=recipe)
    known = [KnownLabel(clip_id(row), names[data.classes[row]]) for row in range(LABEL_COUNT)]
    version = client.import_labels(_TASK, known).head_version or 0
    client.predict(_TASK, embeddings=data.test_embeddings[:1], min_head_version=version)


def predict_all(client: LearnerClient, clip_count: int) -> None:
    """Read what a head makes of all clips."""
    assert sum(len(block.clip_ids) for block in client.predict_pool(_TASK)) == clip_count


def to_parquet(address: str, file: Path) -> None:
    """Have the command line write it."""
    command = [sys.executable, "-m", "aloe.cli", "predict", _TASK, "--pool", "--to", str(file)]
    subprocess.run([*command, "--server", address], check=True, capture_output=True)


def figures_of(clip_count: int, recipe: RecipeName, repeats: int) -> dict[str, Any]:
    """Measure the heads of a recipe."""
    data = clusters(clip_count, DIM, CLASS_COUNT)
    scoring = Scoring(data.embeddings, CLASS_COUNT)
    heads = scoring.heads(1)
    with running_learner() as server, connect(server.address) as client:
        fill_pool(client, _POOL, data.embeddings)
        trained(client, data, recipe)
        first_s = seconds(lambda: predict_all(client, clip_count))
        score, served = in_turns(
            repeats,
            lambda: scoring.score_and_pick(heads),
            lambda: predict_all(client, clip_count),
        )
        file = server.folder / "predictions.parquet"
        return {
            "score_ms": 1e3 * statistics.median(score),
            "first_s": first_s,
            "served_ms": 1e3 * statistics.median(served),
            "clips_per_s": clip_count / statistics.median(served),
            "served_over_score": 1 / median_ratio(served, score),
            "parquet_s": seconds(lambda: to_parquet(server.address, file)),
            "parquet_bytes": file.stat().st_size,
            "learner_mb": resident_mb(server.pid),
        }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pool_predictions")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--recipe", type=RecipeName, default=RecipeName.BEST)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    figures: dict[str, Any] = {
        "machine": machine(),
        "load_average": os.getloadavg()[0],
        "pool": f"{options.clips} x {DIM} float32, {CLASS_COUNT} classes",
        "recipe": options.recipe.value,
    }
    figures |= figures_of(options.clips, options.recipe, options.repeats)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name, figure in figures.items():
        shown = f"{figure:.4g}" if isinstance(figure, float) else figure
        sys.stdout.write(f"{name:24} {shown}\n")


if __name__ == "__main__":
    main()
