"""One oracle's connection to one replica, which records every call in the history."""

import asyncio
import uuid
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos.history import RETRACTED, History
from tests.chaos.labels import write_label
from tests.chaos.recorded_calls import RecordedCalls

from aloe.client import (
    Answer,
    Audio,
    ChangeClassesResult,
    ClassChange,
    Clip,
    ConnectOptions,
    DeadlineExceeded,
    DeletedClips,
    DeletedRecordings,
    Float32Array,
    GridCut,
    ImportLabelsResult,
    ImportSummary,
    KnownLabel,
    Lease,
    MergeClass,
    NewClip,
    Predictions,
    QueryResult,
    RecordingSummary,
    Round,
    StoredLabel,
    SubmitResult,
    Task,
    connect_async,
)


class RecordedClient(RecordedCalls):
    """Like AsyncLearnerClient, as far as oracles need it, with the same errors."""

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
                    [
                        each.lease_id,
                        each.clip_id,
                        self._history.clock_s(each.expire_time),
                        content_of(each),
                    ]
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
                    [each.lease_id, RETRACTED if each.retracted else write_label(each.label)]
                    for each in answers
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

    async def change_classes(self, task_id: str, change: ClassChange) -> ChangeClassesResult:
        return await self._call(
            "change_classes",
            task_id,
            self.plain.change_classes(task_id, change),
            {
                "change": type(change).__name__,
                "class": change.name,
                "into": change.into if isinstance(change, MergeClass) else "",
            },
            lambda result: {"head_version": result.head_version},
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
            {"labels": [[each.clip_id, write_label(each.label)] for each in labels]},
            lambda result: {"head_version": result.head_version},
        )

    async def delete_clips(self, pool_id: str, clip_ids: Sequence[str]) -> DeletedClips:
        return await self._call(
            "delete_clips",
            "",
            self.plain.delete_clips(pool_id, clip_ids),
            {"pool_id": pool_id, "clip_ids": list(clip_ids)},
            lambda result: {"clip_count": result.clip_count},
        )

    async def rename_clip(self, pool_id: str, clip_id: str, new_id: str) -> Clip:
        return await self._call(
            "rename_clip",
            "",
            self.plain.rename_clip(pool_id, clip_id, new_id),
            {"pool_id": pool_id, "clip_id": clip_id, "new_id": new_id},
            lambda _: {},
        )

    async def import_clips(
        self, pool_id: str, clips: Sequence[NewClip], *, replace: bool = False
    ) -> ImportSummary:
        """Import clips; the URI of each stands for its content."""
        return await self._call(
            "import_clips",
            "",
            self.plain.import_clips(pool_id, clips, replace=replace, timeout=self._timeout),
            {
                "pool_id": pool_id,
                "clips": [[each.clip_id, each.uri] for each in clips],
                "replace": replace,
            },
            lambda result: {"failed": [each.clip_id for each in result.failures]},
        )

    async def import_recording(
        self, pool_id: str, recording_id: str, file: Path, cut: GridCut, window_ids: Sequence[str]
    ) -> RecordingSummary:
        """Import a recording, of which the windows' ids are known."""
        return await self._call(
            "import_recording",
            "",
            self._in_time(
                self.plain.import_recording(pool_id, recording_id, file, cut, timeout=self._timeout)
            ),
            {
                "pool_id": pool_id,
                "recording_id": recording_id,
                "clips": [[each, each] for each in window_ids],
                "replace": False,
            },
            lambda result: {
                "failed": [each.clip_id for each in result.failures],
                "problem": result.recording.problem,
                "window_count": result.recording.window_count,
            },
        )

    async def delete_recording(
        self, pool_id: str, recording_id: str, window_ids: Sequence[str]
    ) -> DeletedRecordings:
        return await self._call(
            "delete_recordings",
            "",
            self.plain.delete_recordings(pool_id, [recording_id]),
            {"pool_id": pool_id, "recording_id": recording_id, "clip_ids": list(window_ids)},
            lambda result: {"clip_count": result.window_count},
        )

    async def _in_time(self, importing: Coroutine[Any, Any, RecordingSummary]) -> RecordingSummary:
        """Give an import up that goes on: that takes as long as it makes progress."""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                return await importing
        except TimeoutError:
            raise DeadlineExceeded("given up", code="DEADLINE_EXCEEDED") from None


async def connect_recorded(
    closing: AsyncExitStack,
    addresses: Sequence[str],
    history: History,
    oracle_id: str,
    options: ConnectOptions,
) -> list[RecordedClient]:
    """Connect an oracle to each replica; every call has the deadline of the options."""
    return [
        RecordedClient(
            await closing.enter_async_context(connect_async(address, options)),
            history,
            oracle_id=oracle_id,
            replica=replica,
            timeout=options.timeout,
        )
        for replica, address in enumerate(addresses)
    ]


def content_of(clip: Lease | StoredLabel | Clip) -> str:
    """What is heard under a clip's name: its URI, or of a window its name, which is no other's."""
    return clip.uri or clip.clip_id


def new_request_id() -> str:
    return uuid.uuid4().hex


def _describe_task(task: Task) -> dict[str, Any]:
    return {"head_version": task.head_version, "budget_spent": task.clip_counts.budget_spent}
