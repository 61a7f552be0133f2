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
from contextlib import contextmanager, suppress

import numpy as np
from tests.benchmarks.learner_server import LearnerServer, fill_pool, running_redis

from aloe.client import Answer, LearnerClient, connect

CLIP_COUNT, DIM, BATCH, ROUND_COUNT = 2_000, 64, 6, 50
CLASSES = ("low", "middle", "high")


class CountingProxy:
    """Forwards connections to a unix socket, in a thread of its own, and counts round trips."""

    def __init__(self, socket_path: str) -> None:
        self.trips = 0
        self._socket_path = socket_path
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        listening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        )
        self.port: int = listening.result().sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket_path)
        was_answered = True

        async def ask() -> None:
            nonlocal was_answered
            while data := await reader.read(1 << 16):
                self.trips += was_answered
                was_answered = False
                server_writer.write(data)
            server_writer.close()

        async def answer() -> None:
            nonlocal was_answered
            while data := await server_reader.read(1 << 16):
                was_answered = True
                writer.write(data)
            writer.close()

        with suppress(ConnectionError):
            await asyncio.gather(ask(), answer())


@contextmanager
def counted_learner() -> Iterator[tuple[LearnerClient, CountingProxy]]:
    with running_redis() as (redis_url, folder):
        proxy = CountingProxy(redis_url.removeprefix("unix://"))
        server = LearnerServer(folder, f"redis://127.0.0.1:{proxy.port}")
        server.start()
        try:
            with connect(server.address) as client:
                yield client, proxy
        finally:
            server.learner.stop()


def trips_of_pairs(client: LearnerClient, proxy: CountingProxy) -> float:
    """Return trips per Query with SubmitLabels of abstentions, on which nothing is trained."""
    client.create_task("abstained", "pool", list(CLASSES))
    before = proxy.trips
    for _ in range(ROUND_COUNT):
        leases = client.query("abstained", "ann", max_clip_count=BATCH).leases
        client.submit_labels("abstained", "ann", [Answer(each.lease_id, None) for each in leases])
    return (proxy.trips - before) / ROUND_COUNT


def trips_of_rounds(client: LearnerClient, proxy: CountingProxy) -> float:
    """Return trips per Query with SubmitLabels and the head that is trained on the labels."""
    client.create_task("labeled", "pool", list(CLASSES))
    version, counts = 0, []
    for _ in range(ROUND_COUNT + 1):
        before = proxy.trips
        asked = client.query(
            "labeled", "ann", max_clip_count=BATCH, min_head_version=version
        ).leases
        answers = [
            Answer(each.lease_id, CLASSES[hash(each.clip_id) % len(CLASSES)]) for each in asked
        ]
        version = client.submit_labels("labeled", "ann", answers).head_version or 0
        counts.append(proxy.trips - before)
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
