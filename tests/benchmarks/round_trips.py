"""How often a learner goes to Redis: for Query with SubmitLabels, and for a whole round.

    python -m tests.benchmarks.round_trips --json

A proxy between one learner and its Redis counts a trip whenever a connection sends after it was
answered. Rounds are strict: Query waits for the head that contains the last labels. The counts
include the lock that a trainer renews while it trains, and its sweep every few seconds.
"""

import argparse
import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tests.benchmarks.learner_server import LearnerServer, fill_pool, running_redis
from tests.chaos.proxy import Proxy, to_unix

from aloe.client import Answer, LearnerClient, RecipeName, connect

CLIP_COUNT, DIM, BATCH, ROUND_COUNT = 2_000, 64, 6, 50
CLASSES = ("low", "middle", "high")


@contextmanager
def proxy_of(socket_path: str) -> Iterator[tuple[Proxy, str]]:
    """Run a proxy for a unix socket on an event loop of its own; yield it and its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = to_unix(Path(socket_path))
    try:
        yield proxy, asyncio.run_coroutine_threadsafe(proxy.listen(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def counted_learner() -> Iterator[tuple[LearnerClient, Proxy]]:
    with (
        running_redis() as (redis_url, folder),
        proxy_of(redis_url.removeprefix("unix://")) as (proxy, address),
    ):
        server = LearnerServer(folder, f"redis://{address}")
        server.start()
        try:
            with connect(server.address) as client:
                yield client, proxy
        finally:
            server.learner.stop()


def trips_of_pairs(client: LearnerClient, proxy: Proxy) -> float:
    """Return trips per Query with SubmitLabels of abstentions, on which nothing is trained."""
    client.create_task("abstained", "pool", list(CLASSES), recipe=RecipeName.PAPER)
    before = proxy.round_trip_count
    for _ in range(ROUND_COUNT):
        leases = client.query("abstained", "ann", max_clip_count=BATCH).leases
        client.submit_labels("abstained", "ann", [Answer(each.lease_id, None) for each in leases])
    return (proxy.round_trip_count - before) / ROUND_COUNT


def trips_of_rounds(client: LearnerClient, proxy: Proxy) -> float:
    """Return trips per Query with SubmitLabels and the head that is trained on the labels."""
    client.create_task("labeled", "pool", list(CLASSES), recipe=RecipeName.PAPER)
    version, counts = 0, []
    for _ in range(ROUND_COUNT + 1):
        before = proxy.round_trip_count
        asked = client.query(
            "labeled", "ann", max_clip_count=BATCH, min_head_version=version
        ).leases
        answers = [
            Answer(each.lease_id, CLASSES[int(each.clip_id[-3:]) % len(CLASSES)]) for each in asked
        ]
        version = client.submit_labels("labeled", "ann", answers).head_version or 0
        counts.append(proxy.round_trip_count - before)
    # Each count but the first has the end of the training before it and the start of its own.
    return sum(counts[1:]) / ROUND_COUNT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    as_json = parser.parse_args().json
    embeddings = np.random.default_rng(5).normal(size=(CLIP_COUNT, DIM)).astype(np.float32)
    with counted_learner() as (client, proxy):
        fill_pool(client, "pool", embeddings)
        pair = trips_of_pairs(client, proxy)
        strict_round = trips_of_rounds(client, proxy)
    figures = {
        "pair": pair,
        "strict_round": strict_round,
        "round_beside_the_pair": round(strict_round - pair, 2),
    }
    sys.stdout.write(json.dumps(figures, indent=None if as_json else 2) + "\n")


if __name__ == "__main__":
    main()
