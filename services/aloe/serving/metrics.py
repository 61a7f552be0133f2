"""Metrics over HTTP, for Prometheus to read."""

from collections.abc import Collection, Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from aloe.admission.gate import Gate

LOOPBACK = "127.0.0.1"
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets of durations."""


class MetricsUnavailable(Exception):
    """Metrics cannot be served at the address."""


def process_registry() -> CollectorRegistry:
    """Return a registry that has the figures of the process: its memory, its processor time."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


class CallsCollector(Collector):
    """Reads how many calls of each kind work, wait and were refused, whenever Prometheus asks."""

    def __init__(self, service: str, gates: Collection[Gate]) -> None:
        """Take what names of the service's metrics begin with, and its gates."""
        self._service = service
        self._gates = {gate.kind: gate for gate in gates}.values()  # Methods may share one.

    def collect(self) -> Iterator[Metric]:
        name, labels = f"{self._service}_calls", ["kind"]
        refused = CounterMetricFamily(
            f"{name}_refused", "Calls told to come again, for want of room.", labels=labels
        )
        waiting = GaugeMetricFamily(f"{name}_waiting", "Calls that wait their turn.", labels=labels)
        working = GaugeMetricFamily(f"{name}_working", "Calls in work.", labels=labels)
        for gate in self._gates:
            refused.add_metric([gate.kind], gate.refused_count)
            waiting.add_metric([gate.kind], gate.waiting_count)
            working.add_metric([gate.kind], gate.working_count)
        yield from (refused, waiting, working)


def serve_metrics(registry: CollectorRegistry, address: str) -> str:
    """Answer HTTP from a thread of its own, and return the URL.

    Args:
        registry: what is to be read.
        address: host:port, or a port on loopback; port 0 takes any free one.

    Raises:
        MetricsUnavailable: there is no such address, or it is taken.
    """
    host, _, port = address.rpartition(":")
    host = host or LOOPBACK
    try:
        server, _thread = start_http_server(int(port), host.strip("[]"), registry)
    except (OSError, OverflowError, ValueError) as error:
        raise MetricsUnavailable(
            f"cannot serve metrics on {address!r} ({error}): give another --metrics-address,"
            " such as 127.0.0.1:9091"
        ) from error
    return f"http://{host}:{server.server_port}/metrics"
