"""The labeling loop against a small learner: every clip is asked once, nothing is lost."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator

import grpc
import pytest
from tests.unit.client.scripted_server import LEARNER, ScriptedServer, fail
from tests.unit.oracle.asking import lease as lease_of

from aloe import client
from aloe.client import Answer, PoolState
from aloe.oracle import Abstention, LabelingRound, SimulatedOracle, Slowness, label_task
from aloe.v1 import labeling_pb2, task_pb2
from aloe.wire.names import clip_name

CLASSES = ["no", "yes"]
TRUTH = {f"clip{n}": CLASSES[n % 2] for n in range(10)}


class SmallLearner:
    """Leases each clip once, in order, and trains a head with each submission."""

    def __init__(self, server: ScriptedServer, *, budget: int = 10**9) -> None:
        self.server = server
        self.answers: dict[str, dict[str, labeling_pb2.Answer]] = {}
        self.lost: set[str] = set()
        self.waits: Iterator[bool] = iter(())
        self._open: dict[str, list[str]] = {}
        self._budget = budget
        self._lock = threading.Lock()
        server.on("Query", self._query)
        server.on("SubmitLabels", self._submit)
        server.on("ReleaseLeases", lambda *_: labeling_pb2.ReleaseLeasesResponse())

    def labels(self, task: str) -> dict[str, str]:
        return {
            lease_id: answer.label
            for lease_id, answer in self.answers.get(f"tasks/{task}", {}).items()
            if answer.WhichOneof("answer") == "label"
        }

    def asked_versions(self) -> list[int]:
        return [request.min_head_version for request in self.server.requests["Query"]]

    def _query(self, request, context):
        with self._lock:
            if next(self.waits, False):
                return labeling_pb2.QueryResponse(pool_state=task_pb2.POOL_STATE_ALL_LEASED)
            if len(self.answers.get(request.task, {})) >= self._budget:
                return labeling_pb2.QueryResponse(pool_state=task_pb2.POOL_STATE_BUDGET_SPENT)
            left = self._open.setdefault(request.task, list(TRUTH))
            taken, left[:] = left[: request.max_clip_count], left[request.max_clip_count :]
        leases = [
            labeling_pb2.Lease(lease_id=clip, clip=clip_name("voices", clip)) for clip in taken
        ]
        state = task_pb2.POOL_STATE_OPEN if leases else task_pb2.POOL_STATE_EXHAUSTED
        return labeling_pb2.QueryResponse(leases=leases, pool_state=state)

    def _submit(self, request, context):
        with self._lock:
            if self.lost & {answer.lease_id for answer in request.answers}:
                fail(context, grpc.StatusCode.FAILED_PRECONDITION, reason="LEASE_LOST")
            stored = self.answers.setdefault(request.task, {})
            stored.update({answer.lease_id: answer for answer in request.answers})
            return labeling_pb2.SubmitLabelsResponse(
                head_version=100 + len(stored), label_count=len(stored)
            )


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(LEARNER)
    yield server
    server.stop()


async def run(server: ScriptedServer, oracle=None, task_id: str = "greetings", **options):
    options = {"oracle_id": "anna", "batch_size": 3, **options}
    async with client.connect_async(server.target) as connected:
        return await label_task(connected, task_id, oracle or truthful(), **options)


def truthful() -> SimulatedOracle:
    return SimulatedOracle(TRUTH, CLASSES)


async def test_loop_ends_when_every_clip_is_answered(server):
    learner = SmallLearner(server)
    report = await run(server)
    assert learner.labels("greetings") == TRUTH
    assert (report.round_count, report.label_count, report.abstention_count) == (4, 10, 0)
    assert report.pool_state is PoolState.EXHAUSTED
    assert report.head_version == 110


async def test_loop_ends_after_its_rounds(server):
    learner = SmallLearner(server)
    report = await run(server, rounds=2)
    assert len(learner.labels("greetings")) == 6
    assert report.pool_state is PoolState.OPEN


async def test_loop_ends_when_the_budget_is_spent(server):
    SmallLearner(server, budget=6)
    report = await run(server)
    assert (report.label_count, report.pool_state) == (6, PoolState.BUDGET_SPENT)


async def test_strict_loop_waits_for_the_head_with_its_labels(server):
    learner = SmallLearner(server)
    await run(server, min_head_version=1)
    assert learner.asked_versions() == [1, 103, 106, 109, 110]


async def test_other_loop_does_not_wait(server):
    learner = SmallLearner(server)
    await run(server, strict=False)
    assert set(learner.asked_versions()) == {0}


async def test_abstentions_are_no_labels(server):
    SmallLearner(server)
    report = await run(server, SimulatedOracle(TRUTH, CLASSES, [Abstention(1.0)]))
    assert (report.label_count, report.abstention_count) == (0, 10)


async def test_leases_of_an_earlier_loop_are_given_back_first(server):
    SmallLearner(server)
    await run(server)
    (request,) = server.requests["ReleaseLeases"]
    assert (request.task, request.oracle_id) == ("tasks/greetings", "anna")
    assert not request.lease_ids


async def test_loop_waits_while_others_hold_every_clip(server):
    learner = SmallLearner(server)
    learner.waits = iter([True, True])
    report = await run(server)
    assert report.label_count == 10


async def test_lost_lease_costs_no_other_answer(server):
    learner = SmallLearner(server)
    learner.lost = {"clip1"}
    rounds: list[LabelingRound] = []
    report = await run(server, on_round=rounds.append)
    assert set(TRUTH) - set(learner.labels("greetings")) == {"clip1"}
    assert (report.label_count, report.lost_count) == (9, 1)
    assert rounds[0].answers == (Answer("clip0", "no"), Answer("clip2", "no"))


async def test_batch_of_lost_leases_is_no_round(server):
    learner = SmallLearner(server)
    learner.lost = {"clip0", "clip1", "clip2"}
    report = await run(server)
    assert (report.round_count, report.lost_count) == (3, 3)


async def test_rounds_are_told_as_they_end(server):
    SmallLearner(server)
    rounds: list[LabelingRound] = []
    await run(server, on_round=rounds.append)
    assert [told.number for told in rounds] == [1, 2, 3, 4]
    assert [lease.clip_id for lease in rounds[1].query.leases] == ["clip3", "clip4", "clip5"]
    assert [told.submitted.label_count for told in rounds] == [3, 6, 9, 10]


async def test_tasks_are_labeled_side_by_side(server):
    learner = SmallLearner(server)
    tasks = ["digits", "speakers", "greetings"]
    await asyncio.gather(*(run(server, task_id=task) for task in tasks))
    assert all(learner.labels(task) == TRUTH for task in tasks)


async def test_blocking_oracle_does_not_block_the_loop(server):
    """Two oracles that wait for each other can only both go on if neither holds the loop."""
    SmallLearner(server)
    barrier = threading.Barrier(2, timeout=20)

    class Waiting:
        def answer(self, lease):
            barrier.wait()
            return TRUTH[lease.clip_id]

    reports = await asyncio.gather(
        run(server, Waiting(), task_id="digits"), run(server, Waiting(), task_id="speakers")
    )
    assert Counter(report.label_count for report in reports) == {10: 2}


async def test_batches_held_at_once_are_submitted_as_they_are_answered(server):
    """The first batch is answered only after the second one was stored."""
    learner = SmallLearner(server)
    second_is_stored = threading.Event()
    rounds: list[LabelingRound] = []

    class Dawdling:
        def answer(self, lease):
            if lease.clip_id == "clip0":
                assert second_is_stored.wait(timeout=20)
            return TRUTH[lease.clip_id]

    def on_round(told: LabelingRound) -> None:
        rounds.append(told)
        second_is_stored.set()

    report = await run(server, Dawdling(), batches_at_once=2, rounds=2, on_round=on_round)
    assert [told.query.leases[0].clip_id for told in rounds] == ["clip3", "clip0"]
    assert [told.number for told in rounds] == [1, 2]
    assert report.round_count == 2
    assert len(learner.labels("greetings")) == 6


async def test_oracle_that_holds_several_batches_labels_every_clip(server):
    learner = SmallLearner(server)
    learner.lost = {"clip0", "clip1", "clip2"}
    report = await run(server, batches_at_once=3)
    assert set(learner.labels("greetings")) == set(TRUTH) - learner.lost
    assert (report.round_count, report.label_count, report.lost_count) == (3, 7, 3)
    assert report.pool_state is PoolState.EXHAUSTED


async def test_time_that_an_oracle_takes_passes_in_the_loop(server):
    SmallLearner(server)
    slow = SimulatedOracle(TRUTH, CLASSES, [Slowness(0.001)])
    begin_s = asyncio.get_running_loop().time()
    report = await run(server, slow)
    passed_s = asyncio.get_running_loop().time() - begin_s
    assert passed_s > sum(slow.answer_time_s(lease_of(clip_id)) for clip_id in TRUTH)
    assert report.label_count == 10


async def test_failure_in_one_batch_ends_the_others(server):
    SmallLearner(server)

    class Failing:
        def answer(self, lease):
            raise KeyError(lease.clip_id)

    with pytest.raises(KeyError, match="clip"):
        await run(server, Failing(), batches_at_once=3)
    assert len(asyncio.all_tasks()) == 1


async def test_failure_for_good_ends_the_loop(server):
    SmallLearner(server)
    server.on("Query", lambda _, context: fail(context, grpc.StatusCode.NOT_FOUND))
    with pytest.raises(client.NotFound):
        await run(server)
