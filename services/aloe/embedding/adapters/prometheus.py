"""Metrics for Prometheus, served over HTTP."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from aloe.admission.gate import Gate
from aloe.embedding.ports.recorder import BatchReport, Lookup, Recorder
from aloe.serving.metrics import SECONDS, CallsCollector, process_registry, serve_metrics

_LABELS = ("encoder",)
_CLIP_COUNTS = (1, 2, 4, 8, 16, 32, 64)


class PrometheusRecorder(Recorder):
    """Counts what it is told; `serve` lets Prometheus read it."""

    def __init__(self) -> None:
        self._registry = registry = process_registry()

        def histogram(name: str, text: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(
                f"aloe_embedding_{name}", text, _LABELS, buckets=buckets, registry=registry
            )

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"aloe_embedding_{name}", text, (*_LABELS, *labels), registry=registry)

        self._lookups = counter("cache_lookups", "Clips looked up, by what came of it.", "outcome")
        self._batch_clips = histogram("batch_clips", "Clips in a batch.", _CLIP_COUNTS)
        self._samples = counter("samples", "Samples that the encoder ran on, padding included.")
        self._padding = counter("padding_samples", "Samples of padding that the encoder ran on.")
        self._decode_s = histogram("decode_seconds", "Decoding, a call.", SECONDS)
        self._queue_s = histogram("queue_seconds", "Waiting for the encoder, a clip.", SECONDS)
        self._inference_s = histogram("inference_seconds", "Running, a batch.", SECONDS)

    def batch(self, report: BatchReport) -> None:
        name = report.encoder_id
        sample_count = report.row_count * report.sample_count
        self._batch_clips.labels(name).observe(report.clip_count)
        self._samples.labels(name).inc(sample_count)
        self._padding.labels(name).inc(sample_count - report.heard_sample_count)
        self._inference_s.labels(name).observe(report.duration_s)
        queue_s = self._queue_s.labels(name)
        for seconds in report.queue_s:
            queue_s.observe(seconds)

    def decoded(self, encoder_id: str, duration_s: float) -> None:
        self._decode_s.labels(encoder_id).observe(duration_s)

    def looked_up(self, encoder_id: str, lookup: Lookup) -> None:
        self._lookups.labels(encoder_id, lookup.value).inc()

    def serve(
        self, address: str, queue_depths: Callable[[], Mapping[str, int]], gates: Collection[Gate]
    ) -> str:
        """Answer HTTP from a thread of its own, and return the URL.

        Args:
            address: host:port, or a port on loopback; port 0 takes any free one.
            queue_depths: clips that wait now, by encoder; called from that thread.
            gates: of the service's calls, by kind.

        Raises:
            MetricsUnavailable: there is no such address, or it is taken.
        """
        self._registry.register(_QueueDepth(queue_depths))
        self._registry.register(CallsCollector("aloe_embedding", gates))
        return serve_metrics(self._registry, address)


class _QueueDepth(Collector):
    """Reads the depth of the queue whenever Prometheus asks."""

    def __init__(self, queue_depths: Callable[[], Mapping[str, int]]) -> None:
        self._queue_depths = queue_depths

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "aloe_embedding_queue_clips", "Clips that wait for the encoder.", labels=_LABELS
        )
        for encoder_id, count in self._queue_depths().items():
            family.add_metric([encoder_id], count)
        yield family
