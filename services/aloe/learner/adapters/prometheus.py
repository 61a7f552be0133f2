"""The learner's metrics for Prometheus, served over HTTP."""

from collections.abc import Callable, Collection

from prometheus_client import Counter, Gauge, Histogram

from aloe.admission.gate import Gate
from aloe.learner.recorder import Phase, Recorder
from aloe.redis.rules import ConcernKind
from aloe.serving.metrics import SECONDS, CallsCollector, process_registry, serve_metrics

_ROUND_SECONDS = (*SECONDS, 25.0, 50.0, 100.0)


class PrometheusRecorder(Recorder):
    """Collects counts and durations; `serve` lets Prometheus read them."""

    def __init__(self) -> None:
        self._registry = registry = process_registry()
        self._rounds = Counter(
            "aloe_learner_rounds", "Heads trained and published.", registry=registry
        )
        self._phase_s = Histogram(
            "aloe_learner_phase_seconds",
            "Where the time of a head goes.",
            ["phase"],
            buckets=_ROUND_SECONDS,
            registry=registry,
        )
        self._query_s = Histogram(
            "aloe_learner_query_seconds",
            "Answering a query, waiting for a head not included.",
            buckets=SECONDS,
            registry=registry,
        )
        self._store_warning = Gauge(
            "aloe_learner_store_warning",
            "What about Redis may cost labels: 1 while it is so; deploy/REDIS.md has the remedies.",
            ["kind"],
            registry=registry,
        )
        self.store_warned(())
        self._went_back = Counter(
            "aloe_learner_store_went_back",
            "Pools and tasks that were found in an earlier state than was seen of them: what came"
            " after that is lost.",
            registry=registry,
        )
        self._dropped = Counter(
            "aloe_learner_labels_dropped",
            "Labels and leases taken off clips which they had not been given for, since the store"
            " went back to an earlier state.",
            registry=registry,
        )

    def spent(self, phase: Phase, duration_s: float) -> None:
        self._phase_s.labels(phase.value).observe(duration_s)
        if phase is Phase.PUBLISHING:
            self._rounds.inc()

    def queried(self, duration_s: float) -> None:
        self._query_s.observe(duration_s)

    def store_warned(self, kinds: Collection[str]) -> None:
        for kind in ConcernKind:
            self._store_warning.labels(kind.value).set(kind.value in kinds)

    def store_went_back(self) -> None:
        self._went_back.inc()

    def labels_dropped(self, count: int) -> None:
        self._dropped.inc(count)

    def serve(
        self, address: str, pool_cache_bytes: Callable[[], int], gates: Collection[Gate]
    ) -> str:
        """Answer HTTP from a thread of its own, and return the URL.

        Args:
            address: host:port, or a port on loopback; port 0 takes any free one.
            pool_cache_bytes: returns the bytes of the vectors in memory; called in that thread.
            gates: of the service's calls, by kind.

        Raises:
            MetricsUnavailable: there is no such address, or it is taken.
        """
        gauge = Gauge(
            "aloe_learner_pool_cache_bytes", "Vectors in memory.", registry=self._registry
        )
        gauge.set_function(pool_cache_bytes)
        self._registry.register(CallsCollector("aloe_learner", gates))
        return serve_metrics(self._registry, address)
