"""`python -m tests.fuzz.health ADDRESS...`: asks services for their health until its input ends.

It prints the longest time that an answer took, in seconds, by address. It is a process of its own:
the one that makes the load is too busy to measure.
"""

import json
import sys
import threading
import time
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_PAUSE_S = 0.05
_PATIENCE_S = 10.0


class Watcher(threading.Thread):
    """Asks a service for its health every 50 ms on a channel of its own."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.longest_s, self.failure_count, self.count = 0.0, 0, 0
        self._address, self._ended = address, threading.Event()

    def run(self) -> None:
        """Ask until told to end."""
        with grpc.insecure_channel(self._address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            while not self._ended.wait(_PAUSE_S):
                began = time.perf_counter()
                try:
                    stub.Check(health_pb2.HealthCheckRequest(), timeout=_PATIENCE_S)
                except grpc.RpcError as error:
                    sys.stderr.write(f"health of {self._address}: {error.code()}\n")
                    self.failure_count += 1
                self.count += 1
                self.longest_s = max(self.longest_s, time.perf_counter() - began)

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()
        self.join(2 * _PATIENCE_S)


def main() -> int:
    """Watch until the input ends."""
    watchers = [Watcher(address) for address in sys.argv[1:]]
    for watcher in watchers:
        watcher.start()
    sys.stdin.read()
    for watcher in watchers:
        watcher.end()
    found = [[each.longest_s, each.count, each.failure_count] for each in watchers]
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
