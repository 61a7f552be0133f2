"""RPCs about labeling."""

from collections.abc import AsyncIterator
from typing import Any

from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.rpc import (
    fields,
    labeling,
)
from aloe.learner.rpc.servicers.base import Rpcs
from aloe.serving.idle import while_taken
from aloe.v1 import (
    labeling_pb2,
)
from aloe.wire import names, times
from aloe.wire.bounds import SHOWN_COUNT


class LabelingRpcs(Rpcs):
    """RPCs about labeling."""

    async def ImportLabels(
        self, request: labeling_pb2.ImportLabelsRequest, context: Any
    ) -> labeling_pb2.ImportLabelsResponse:
        labels = [
            labeling.read_known_label(each, place) for place, each in enumerate(request.labels)
        ]
        outcome = await self._learner.label_importer.import_labels(
            fields.read_task_id(request.task, "task"),
            labels,
            replace=request.replace,
            validate_only=request.validate_only,
        )
        return labeling_pb2.ImportLabelsResponse(
            changed_count=outcome.changed_count,
            head_version=outcome.head_version,
            replaced_count=outcome.replaced_count,
            divided_recordings=[
                names.recording_name(labels[0].pool_id, each)
                for each in outcome.divided_recordings[:SHOWN_COUNT]
            ],
        )

    async def Query(
        self, request: labeling_pb2.QueryRequest, context: Any
    ) -> labeling_pb2.QueryResponse:
        outcome = await self._learner.labeling.query(
            fields.read_task_id(request.task, "task"), labeling.read_question(request)
        )
        return labeling.write_outcome(outcome)

    async def SubmitLabels(
        self, request: labeling_pb2.SubmitLabelsRequest, context: Any
    ) -> labeling_pb2.SubmitLabelsResponse:
        outcome = await self._learner.labeling.submit(
            fields.read_task_id(request.task, "task"),
            fields.read_oracle_id(request.oracle_id, "oracle_id"),
            [labeling.read_answer(answer, index) for index, answer in enumerate(request.answers)],
            fields.read_optional_id(request.request_id, "request_id"),
        )
        return labeling_pb2.SubmitLabelsResponse(
            head_version=outcome.head_version, label_count=outcome.label_count
        )

    async def ReleaseLeases(
        self, request: labeling_pb2.ReleaseLeasesRequest, context: Any
    ) -> labeling_pb2.ReleaseLeasesResponse:
        released_count = await self._learner.labeling.release(
            fields.read_task_id(request.task, "task"),
            fields.read_oracle_id(request.oracle_id, "oracle_id"),
            list(request.lease_ids),
        )
        return labeling_pb2.ReleaseLeasesResponse(released_count=released_count)

    async def RenewLeases(
        self, request: labeling_pb2.RenewLeasesRequest, context: Any
    ) -> labeling_pb2.RenewLeasesResponse:
        expire_time = await self._learner.labeling.renew(
            fields.read_task_id(request.task, "task"),
            fields.read_oracle_id(request.oracle_id, "oracle_id"),
            list(dict.fromkeys(request.lease_ids)),
            fields.read_duration(request, "lease_duration"),
        )
        return labeling_pb2.RenewLeasesResponse(expire_time=times.write_time(expire_time))

    async def ExportLabels(
        self, request: labeling_pb2.ExportLabelsRequest, context: Any
    ) -> AsyncIterator[labeling_pb2.ExportLabelsResponse]:
        task, pool, labels = await self._learner.tasks.labels(
            fields.read_task_id(request.task, "task"), parse_filter(request.filter)
        )
        messages = (labeling.write_labels(pool, task, some) async for some in labels)
        async for message in while_taken(context, self._export_idle_s, messages):
            yield message

    async def ListEvents(
        self, request: labeling_pb2.ListEventsRequest, context: Any
    ) -> labeling_pb2.ListEventsResponse:
        count = fields.read_page_size(request.page_size)
        history = await self._learner.tasks.events(
            fields.read_task_id(request.task, "task"),
            fields.read_event_id(request.page_token),
            count + 1,
        )
        events = labeling.page_of_events(history.events, count)
        more = len(history.events) > len(events)
        return labeling_pb2.ListEventsResponse(
            events=[labeling.write_event(history, each) for each in events],
            next_page_token=events[-1].event_id if more else "",
        )

    async def ReplayTask(
        self, request: labeling_pb2.ReplayTaskRequest, context: Any
    ) -> AsyncIterator[labeling_pb2.ReplayTaskResponse]:
        replays = self._learner.replaying.replay(fields.read_task_id(request.task, "task"))
        messages = (labeling.write_replay(each) async for each in replays)
        async for message in while_taken(context, self._export_idle_s, messages):
            yield message
