"""The default recipe, kernel map, ridge head and herding, through gRPC."""

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.benchmarks.learner_kernels import Scoring
from tests.benchmarks.learner_plain import Clusters, clusters
from tests.benchmarks.learner_server import LearnerServer, clip_id, fill_pool, running_learner
from tests.benchmarks.measuring import in_turns, median_ratio, resident_mb, seconds

from aloe.client import Answer, KnownLabel, LearnerClient, RecipeName, connect
from aloe.learner.usecases.asking import FEWEST_CANDIDATES
from aloe.values.strategies import SelectionRule

MAPPED_DIM = 256
"""Of the vectors that heads read under the kernel representation."""
BATCH_SIZE, LABEL_COUNT = 12, 300
FEW_CLIPS, FEW_LABELS = 500, 60
_PREDICT_COUNT = 50
_ORACLE, _OTHER = "oracle", "another"
_FIRST_QUERY = timedelta(minutes=5)


class TimedTask:
    """A task whose rounds are timed, part by part; batches of BATCH_SIZE."""

    def __init__(
        self, client: LearnerClient, pool_id: str, data: Clusters, recipe: RecipeName
    ) -> None:
        self._client, self._probe = client, data.test_embeddings[:1]
        self._id = f"{recipe.value}-{pool_id}"
        classes = [f"class-{index}" for index in range(int(data.classes.max()) + 1)]
        self._truth = {clip_id(row): classes[each] for row, each in enumerate(data.classes)}
        self.times_s: dict[str, list[float]] = defaultdict(list)
        client.create_task(self._id, pool_id, classes, recipe=recipe)

    def begin(self, label_count: int) -> None:
        """Ask before any head, which reads the pool; give labels, and wait for their head."""
        self._time(
            "first_query", lambda: self._client.query(self._id, _ORACLE, timeout=_FIRST_QUERY)
        )
        self._client.release_leases(self._id, _ORACLE)
        known = [KnownLabel(each, self._truth[each]) for each in list(self._truth)[:label_count]]
        self._wait(self._client.import_labels(self._id, known).head_version or 0)

    def round(self, asks: LearnerClient | None = None) -> None:
        """Ask at once after a head, then once more, answer, and wait for the next head.

        The second question, which others ask, is no part of the round.
        """
        client = asks or self._client
        asking_s, leases = self._time("query_after_head", lambda: self._ask(client, _ORACLE))
        self._time("query_again", lambda: self._ask(client, _OTHER))
        self._client.release_leases(self._id, _OTHER)
        answers = [Answer(each.lease_id, self._truth[each.clip_id]) for each in leases]
        answering_s, submitted = self._time(
            "submit", lambda: self._client.submit_labels(self._id, _ORACLE, answers)
        )
        waiting_s, _ = self._time("head", lambda: self._wait(submitted.head_version or 0))
        self.times_s["round"].append(asking_s + answering_s + waiting_s)

    def predict(self) -> None:
        """Predict for one embedding."""
        self._time("predict", lambda: self._wait(0))

    def medians_ms(self) -> dict[str, float]:
        """Return the median of each part, in ms."""
        return {
            f"{name}_ms": 1e3 * statistics.median(times) for name, times in self.times_s.items()
        }

    def parts_ms(self, round_count: int) -> dict[str, float]:
        """Return the medians of what the server says where the time of its last rounds went.

        Parts that no round has are left out. Some go on side by side.
        """
        spent = [
            {
                "store": each.store_duration,
                "training": each.training_duration,
                "evaluation": each.evaluation_duration,
                "statistics": each.statistics_duration,
                "publishing": each.head_times.publishing_duration,
                "scoring": each.head_times.scoring_duration,
                "selection": each.head_times.selection_duration,
            }
            for each in self._client.list_rounds(self._id)[-round_count - 1 : -1]
        ]
        found: dict[str, float] = {}
        for name in spent[0]:
            parts = (each[name] for each in spent)
            times = [part.total_seconds() for part in parts if part is not None]
            if times:
                found[f"part_{name}_ms"] = 1e3 * statistics.median(times)
        return found

    def _ask(self, client: LearnerClient, oracle_id: str) -> Any:
        return client.query(self._id, oracle_id, max_clip_count=BATCH_SIZE).leases

    def _wait(self, version: int) -> None:
        self._client.predict(self._id, embeddings=self._probe, min_head_version=version)

    def _time(self, name: str, work: Callable[[], Any]) -> tuple[float, Any]:
        answers: list[Any] = []
        self.times_s[name].append(seconds(lambda: answers.append(work())))
        return self.times_s[name][-1], answers[0]


def scoring_of_mapped(
    pool: Scoring, clip_count: int, class_count: int, *, repeats: int
) -> dict[str, float]:
    """Score what heads read under the kernel map, in turns with reading the embeddings."""
    mapped = clusters(clip_count, MAPPED_DIM, class_count).embeddings
    scoring = Scoring(mapped, class_count)
    head = scoring.heads(1)
    read, score = in_turns(
        repeats,
        pool.read,
        lambda: scoring.score_and_pick(head, SelectionRule.CLASS_AGNOSTIC, FEWEST_CANDIDATES),
    )
    return {
        "score_ms": 1e3 * statistics.median(score),
        "score_over_read": median_ratio(score, read),
    }


def default_figures(data: Clusters, *, repeats: int) -> dict[str, float]:
    """Time the default recipe on a large pool, in turns with reading its embeddings once.

    Queries are asked of the learner that trained the head, then of another.
    """
    class_count = int(data.classes.max()) + 1
    pool = Scoring(data.embeddings, class_count)
    scoring = scoring_of_mapped(pool, len(data.embeddings), class_count, repeats=repeats)
    with running_learner() as server, connect(server.address) as importing:
        fill_pool(importing, "pool", data.embeddings)
        server.learner.stop()  # What importing took of the memory is not the recipe's.
        server.start()
        idle_mb = resident_mb(server.pid)
        with connect(server.address) as client:
            task = TimedTask(client, "pool", data, RecipeName.BEST)
            task.begin(LABEL_COUNT)
            read_s = _rounds(task, pool, repeats)
            for _ in range(_PREDICT_COUNT):
                task.predict()
            figures = (
                scoring
                | task.medians_ms()
                | {
                    "read_ms": 1e3 * statistics.median(read_s),
                    "query_after_head_over_read": median_ratio(
                        task.times_s["query_after_head"][-repeats:], read_s
                    ),
                    "learner_mb": resident_mb(server.pid),
                    "memory_over_pool": (resident_mb(server.pid) - idle_mb)
                    / (data.embeddings.nbytes / 2**20),
                }
            )
            figures |= _elsewhere(server, task, pool, repeats)
    return {f"default_{name}": figure for name, figure in figures.items()}


def _rounds(
    task: TimedTask, pool: Scoring, repeats: int, asks: LearnerClient | None = None
) -> list[float]:
    """Run rounds, the first one untimed; return the seconds of as many readings of the pool."""
    read_s = []
    for number in range(repeats + 1):
        if number == 1:
            for name in ("query_after_head", "query_again", "submit", "head", "round"):
                task.times_s.pop(name, None)
        read_s.append(seconds(pool.read))
        task.round(asks)
    return read_s[1:]


def _elsewhere(
    server: LearnerServer, task: TimedTask, pool: Scoring, repeats: int
) -> dict[str, float]:
    """Ask a learner that does not train."""
    folder = server.folder / "another"
    folder.mkdir()
    other = LearnerServer(folder, server.redis_url)
    other.start()
    try:
        with connect(other.address) as client:
            read_s = _rounds(task, pool, repeats, client)
    finally:
        other.learner.stop()
    queries_s = task.times_s["query_after_head"]
    return {
        "query_after_head_elsewhere_ms": 1e3 * statistics.median(queries_s),
        "query_after_head_elsewhere_over_read": median_ratio(queries_s, read_s),
    }


def few_figures(data: Clusters, *, repeats: int) -> dict[str, float]:
    """Time a task that has few clips under the default recipe and under the paper's, in turns."""
    few = replace(data, embeddings=data.embeddings[:FEW_CLIPS], classes=data.classes[:FEW_CLIPS])
    with running_learner() as server, connect(server.address) as client:
        fill_pool(client, "few", few.embeddings)
        tasks = {
            name: TimedTask(client, "few", few, name)
            for name in (RecipeName.BEST, RecipeName.PAPER)
        }
        for task in tasks.values():
            task.begin(FEW_LABELS)
            task.round()
            task.times_s.clear()
        for _ in range(repeats):
            for task in tasks.values():
                task.round()
        best = tasks[RecipeName.BEST]
        spent = best.medians_ms() | best.parts_ms(repeats)
    ours, papers = best.times_s, tasks[RecipeName.PAPER].times_s
    figures = {f"few_clips_{name}": ms for name, ms in spent.items()}
    return figures | {
        f"few_clips_{name}_over_papers": median_ratio(ours[name], papers[name]) for name in ours
    }
