"""One oracle's connection to one replica, which records every call in the history."""

import uuid
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from tests.chaos.history import RETRACTED, History, Outcome

from aloe.client import (
    AlreadyExists,
    Answer,
    AsyncLearnerClient,
    Audio,
    DeletedClips,
    FailedPrecondition,
    Float32Array,
    ImportLabelsResult,
    InvalidArgument,
    KnownLabel,
    NotFound,
    Predictions,
    QueryResult,
    Round,
    SubmitResult,
    Task,
)
from aloe.client.errors import AloeError

T = TypeVar("T")
_REFUSALS = (InvalidArgument, NotFound, AlreadyExists, FailedPrecondition)


class RecordedClient:
    """Like AsyncLearnerClient, as far as oracles need it, with the same errors."""

    def __init__(
        self, client: AsyncLearnerClient, history: History, *, oracle_id: str, replica: int
    ) -> None:
        self.plain = client
        """For calls that the checker need not know about."""
        self._history, self._oracle_id, self._replica = history, oracle_id, replica

    async def query(
        self,
        task_id: str,
        *,
        max_clip_count: int,
        min_head_version: int,
        request_id: str,
    ) -> QueryResult:
        return await self._call(
            "query",
            task_id,
            self.plain.query(
                task_id,
                self._oracle_id,
                max_clip_count=max_clip_count,
                min_head_version=min_head_version,
                request_id=request_id,
            ),
            {"request_id": request_id, "min_head_version": min_head_version},
            lambda result: {
                "head_version": result.head_version,
                "leases": [
                    [each.lease_id, each.clip_id, self._history.clock_s(each.expire_time)]
                    for each in result.leases
                ],
            },
        )

    async def submit_labels(
        self, task_id: str, answers: Sequence[Answer], *, request_id: str
    ) -> SubmitResult:
        return await self._call(
            "submit_labels",
            task_id,
            self.plain.submit_labels(task_id, self._oracle_id, answers, request_id=request_id),
            {
                "request_id": request_id,
                "answers": [
                    [each.lease_id, RETRACTED if each.retracted else each.label] for each in answers
                ],
            },
            lambda result: {
                "head_version": result.head_version,
                "label_count": result.label_count,
            },
        )

    async def release_leases(
        self,
        task_id: str,
        lease_ids: Sequence[str],
    ) -> int:
        return await self._call(
            "release_leases",
            task_id,
            self.plain.release_leases(task_id, self._oracle_id, lease_ids),
            {"lease_ids": list(lease_ids)},
            lambda result: {"released_count": result},
        )

    async def renew_leases(self, task_id: str, lease_ids: Sequence[str]) -> datetime:
        return await self._call(
            "renew_leases",
            task_id,
            self.plain.renew_leases(task_id, self._oracle_id, lease_ids),
            {"lease_ids": list(lease_ids)},
            lambda result: {"expire_s": self._history.clock_s(result)},
        )

    async def predict(
        self,
        task_id: str,
        *,
        min_head_version: int,
        audio: Sequence[Audio] | None = None,
        embeddings: Float32Array | None = None,
    ) -> Predictions:
        return await self._call(
            "predict",
            task_id,
            self.plain.predict(
                task_id,
                audio=audio,
                embeddings=embeddings,
                min_head_version=min_head_version,
            ),
            {"min_head_version": min_head_version, "of_audio": audio is not None},
            lambda result: {"head_version": result.head_version},
        )

    async def get_task(self, task_id: str) -> Task:
        return await self._call(
            "get_task", task_id, self.plain.get_task(task_id), {}, _describe_task
        )

    async def list_rounds(self, task_id: str) -> tuple[Round, ...]:
        return await self._call(
            "list_rounds",
            task_id,
            self.plain.list_rounds(task_id),
            {},
            lambda rounds: {"rounds": [[each.head_version, each.label_count] for each in rounds]},
        )

    async def set_label_budget(
        self,
        task_id: str,
        label_budget: int,
    ) -> Task:
        return await self._call(
            "update_task",
            task_id,
            self.plain.update_task(task_id, label_budget=label_budget),
            {"label_budget": label_budget},
            _describe_task,
        )

    async def create_task(
        self, task_id: str, pool_id: str, classes: Sequence[str], **settings: Any
    ) -> Task:
        return await self._call(
            "create_task",
            task_id,
            self.plain.create_task(task_id, pool_id, classes, **settings),
            {"label_budget": settings.get("label_budget")},
            _describe_task,
        )

    async def import_labels(self, task_id: str, labels: Sequence[KnownLabel]) -> ImportLabelsResult:
        return await self._call(
            "import_labels",
            task_id,
            self.plain.import_labels(task_id, labels),
            {"labels": [[each.clip_id, each.label] for each in labels]},
            lambda result: {"head_version": result.head_version},
        )

    async def delete_clips(self, pool_id: str, clip_ids: Sequence[str]) -> DeletedClips:
        return await self._call(
            "delete_clips",
            "",
            self.plain.delete_clips(pool_id, clip_ids),
            {"clip_ids": list(clip_ids)},
            lambda result: {"clip_count": result.clip_count},
        )

    async def _call(
        self,
        call: str,
        task_id: str,
        coroutine: Coroutine[Any, Any, T],
        request: Mapping[str, Any],
        describe: Any,
    ) -> T:
        number = self._history.begin(
            call,
            task_id=task_id,
            oracle_id=self._oracle_id,
            replica=self._replica,
            request=request,
        )
        try:
            result = await coroutine
        except AloeError as error:
            outcome = Outcome.REFUSED if isinstance(error, _REFUSALS) else Outcome.UNKNOWN
            self._history.end(number, outcome, reason=error.reason)
            raise
        self._history.end(number, Outcome.ACKNOWLEDGED, result=describe(result))
        return result


def new_request_id() -> str:
    return uuid.uuid4().hex


def _describe_task(task: Task) -> dict[str, Any]:
    return {"head_version": task.head_version, "budget_spent": task.clip_counts.budget_spent}
