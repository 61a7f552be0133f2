"""The RPCs: convert, call, convert."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.rpc import (
    attributes,
    fields,
    heads,
    labeling,
    pools,
    predictions,
    searches,
    tasks,
)
from aloe.learner.rpc.gates import make_gates
from aloe.learner.rpc.statuses import write_unreadable
from aloe.learner.usecases.learner import Learner
from aloe.serving.guard import caller_of
from aloe.serving.idle import while_taken
from aloe.serving.server import Service
from aloe.v1 import (
    head_pb2,
    labeling_pb2,
    learner_service_pb2,
    pool_pb2,
    prediction_pb2,
    search_pb2,
    task_pb2,
)
from aloe.v1 import learner_service_pb2_grpc as pb_grpc
from aloe.wire import names, times
from aloe.wire.bounds import CHANGED_CLIP_COUNT, CLIP_PAGE_COUNT

MAX_ENCODER_NAME_LENGTH = 256


class LearnerServicer(pb_grpc.LearnerServiceServicer):
    """LearnerService on a learner; an interceptor turns its exceptions into statuses."""

    def __init__(self, learner: Learner, export_idle_s: float) -> None:
        """Take what is served, and how long an export waits for its caller to take a message."""
        self._learner, self._export_idle_s = learner, export_idle_s

    async def CreatePool(
        self, request: pool_pb2.CreatePoolRequest, context: Any
    ) -> pool_pb2.CreatePoolResponse:
        pool = await self._learner.pools.create(
            fields.read_id(request.pool_id, "pool_id"),
            encoder_id=fields.read_text(
                request.pool.encoder_id, MAX_ENCODER_NAME_LENGTH, "pool.encoder_id"
            ),
            fingerprint=fields.read_text(
                request.pool.encoder_fingerprint,
                MAX_ENCODER_NAME_LENGTH,
                "pool.encoder_fingerprint",
            ),
            embedding_dim=request.pool.embedding_dim,
            keep_audio=request.pool.keep_audio,
        )
        return pool_pb2.CreatePoolResponse(pool=pools.write_pool(pool))

    async def GetPool(
        self, request: pool_pb2.GetPoolRequest, context: Any
    ) -> pool_pb2.GetPoolResponse:
        pool = await self._learner.pools.get(fields.read_pool_id(request.name, "name"))
        return pool_pb2.GetPoolResponse(pool=pools.write_pool(pool))

    async def ListPools(
        self, request: pool_pb2.ListPoolsRequest, context: Any
    ) -> pool_pb2.ListPoolsResponse:
        count = fields.read_page_size(request.page_size)
        listing = await self._learner.pools.list_after(
            fields.read_optional_id(request.page_token, "page_token"), count
        )
        return pool_pb2.ListPoolsResponse(
            pools=map(pools.write_pool, listing.found),
            next_page_token=listing.last_id,
            unreadable=[
                write_unreadable(names.pool_name(each), error) for each, error in listing.unreadable
            ],
        )

    async def RefitPool(
        self, request: pool_pb2.RefitPoolRequest, context: Any
    ) -> pool_pb2.RefitPoolResponse:
        maps = await self._learner.refitting.refit(fields.read_pool_id(request.name, "name"))
        return pool_pb2.RefitPoolResponse(maps=map(pools.write_map, maps))

    async def DeletePool(
        self, request: pool_pb2.DeletePoolRequest, context: Any
    ) -> pool_pb2.DeletePoolResponse:
        await self._learner.pools.delete(fields.read_pool_id(request.name, "name"))
        return pool_pb2.DeletePoolResponse()

    async def ImportClips(
        self, request_iterator: AsyncIterator[pool_pb2.ImportClipsRequest], context: Any
    ) -> pool_pb2.ImportClipsResponse:
        caller = caller_of(context)
        messages = self._learner.importer.messages(request_iterator, caller)
        first = await anext(messages, None)
        if first is None:
            raise InvalidInput.of("pool", "the stream is empty; send at least one message")
        pool_id, rules = fields.read_pool_id(first.pool, "pool"), pools.read_rules(first)
        fingerprint = first.encoder_fingerprint
        batches = pools.read_batches(first, messages)
        del first  # Its clips are not held any longer than they take.
        report = await self._learner.importer.import_clips(
            pool_id, fingerprint, batches, rules, caller
        )
        return pools.write_report(pool_id, report)

    async def ListClips(
        self, request: pool_pb2.ListClipsRequest, context: Any
    ) -> pool_pb2.ListClipsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        first_row = fields.read_page_offset(request.page_token)
        count = fields.read_page_size(request.page_size, CLIP_PAGE_COUNT)
        clips, next_row = await self._learner.pools.list_clips(
            pool_id, first_row, count, parse_filter(request.filter)
        )
        return pool_pb2.ListClipsResponse(
            clips=[pools.write_clip(pool_id, clip) for clip in clips],
            next_page_token="" if next_row is None else str(next_row),
        )

    async def SearchClips(
        self, request: search_pb2.SearchClipsRequest, context: Any
    ) -> search_pb2.SearchClipsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        outcome = await self._learner.searching.search(pool_id, searches.read_search(request))
        return searches.write_outcome(pool_id, outcome)

    async def GetClip(
        self, request: pool_pb2.GetClipRequest, context: Any
    ) -> pool_pb2.GetClipResponse:
        name = fields.read_clip_name(request.name, "name")
        clip = await self._learner.pools.get_clip(name.pool_id, name.clip_id)
        return pool_pb2.GetClipResponse(clip=pools.write_clip(name.pool_id, clip))

    async def DeleteClips(
        self, request: pool_pb2.DeleteClipsRequest, context: Any
    ) -> pool_pb2.DeleteClipsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        removal = await self._learner.pools.delete_clips(
            pool_id, pools.read_names(request.names, pool_id, CHANGED_CLIP_COUNT)
        )
        return pool_pb2.DeleteClipsResponse(
            deleted_count=removal.clip_count,
            name_count=removal.name_count,
            absent_count=removal.absent_count,
        )

    async def UpdateClips(
        self, request: pool_pb2.UpdateClipsRequest, context: Any
    ) -> pool_pb2.UpdateClipsResponse:
        pool_id = fields.read_pool_id(request.pool, "pool")
        updated_count = await self._learner.pools.update_clips(
            pool_id, attributes.read_updates(request.updates, pool_id)
        )
        return pool_pb2.UpdateClipsResponse(updated_count=updated_count)

    async def RenameClip(
        self, request: pool_pb2.RenameClipRequest, context: Any
    ) -> pool_pb2.RenameClipResponse:
        name = fields.read_clip_name(request.name, "name")
        new_id = fields.read_id(request.new_id, "new_id")
        clip = await self._learner.pools.rename_clip(name.pool_id, name.clip_id, new_id)
        return pool_pb2.RenameClipResponse(clip=pools.write_clip(name.pool_id, clip))

    async def GetClipAudio(
        self, request: pool_pb2.GetClipAudioRequest, context: Any
    ) -> pool_pb2.GetClipAudioResponse:
        name = fields.read_clip_name(request.name, "name")
        file = await self._learner.pools.clip_audio(name.pool_id, name.clip_id)
        return pool_pb2.GetClipAudioResponse(content=file.content, media_type=file.media_type)

    async def ExportClips(
        self, request: pool_pb2.ExportClipsRequest, context: Any
    ) -> AsyncIterator[pool_pb2.ExportClipsResponse]:
        pool_id = fields.read_pool_id(request.pool, "pool")
        skip_count = fields.read_row(request.skip_count, "skip_count")
        blocks = self._learner.pools.export_clips(pool_id, skip_count, parse_filter(request.filter))
        messages = (pools.write_block(pool_id, *block) async for block in blocks)
        async for message in while_taken(context, self._export_idle_s, messages):
            yield message

    async def CreateTask(
        self, request: task_pb2.CreateTaskRequest, context: Any
    ) -> task_pb2.CreateTaskResponse:
        task = tasks.read_task(
            request.task,
            fields.read_id(request.task_id, "task_id"),
            pool_id=fields.read_pool_id(request.task.pool, "task.pool"),
            epoch=uuid.uuid4().hex,
            create_time=self._learner.now(),
            recipe=tasks.read_recipe(request.recipe),
        )
        return task_pb2.CreateTaskResponse(
            task=tasks.write_task(await self._learner.tasks.create(task))
        )

    async def GetTask(
        self, request: task_pb2.GetTaskRequest, context: Any
    ) -> task_pb2.GetTaskResponse:
        state = await self._learner.tasks.get(fields.read_task_id(request.name, "name"))
        return task_pb2.GetTaskResponse(task=tasks.write_task(state))

    async def ListTasks(
        self, request: task_pb2.ListTasksRequest, context: Any
    ) -> task_pb2.ListTasksResponse:
        count = fields.read_page_size(request.page_size)
        pool_id = fields.read_pool_id(request.pool, "pool") if request.pool else None
        listing = await self._learner.tasks.list_after(
            fields.read_optional_id(request.page_token, "page_token"), count, pool_id
        )
        return task_pb2.ListTasksResponse(
            tasks=map(tasks.write_task, listing.found),
            next_page_token=listing.last_id,
            unreadable=[
                write_unreadable(names.task_name(each), error) for each, error in listing.unreadable
            ],
        )

    async def UpdateTask(
        self, request: task_pb2.UpdateTaskRequest, context: Any
    ) -> task_pb2.UpdateTaskResponse:
        state = await self._learner.tasks.update(
            fields.read_task_id(request.task.name, "task.name"),
            tasks.read_change(request.task, request.update_mask),
        )
        return task_pb2.UpdateTaskResponse(task=tasks.write_task(state))

    async def DeleteTask(
        self, request: task_pb2.DeleteTaskRequest, context: Any
    ) -> task_pb2.DeleteTaskResponse:
        await self._learner.tasks.delete(fields.read_task_id(request.name, "name"))
        return task_pb2.DeleteTaskResponse()

    async def ImportLabels(
        self, request: labeling_pb2.ImportLabelsRequest, context: Any
    ) -> labeling_pb2.ImportLabelsResponse:
        outcome = await self._learner.label_importer.import_labels(
            fields.read_task_id(request.task, "task"),
            [labeling.read_known_label(label, index) for index, label in enumerate(request.labels)],
            replace=request.replace,
            validate_only=request.validate_only,
        )
        return labeling_pb2.ImportLabelsResponse(
            changed_count=outcome.changed_count,
            head_version=outcome.head_version,
            replaced_count=outcome.replaced_count,
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

    async def Predict(
        self, request: head_pb2.PredictRequest, context: Any
    ) -> head_pb2.PredictResponse:
        prediction = await self._learner.predictor.predict(
            fields.read_task_id(request.task, "task"),
            heads.read_input(request),
            min_head_version=request.min_head_version,
            head=fields.read_head(request.head, "head"),
            max_expected_error=(
                request.max_expected_error if request.HasField("max_expected_error") else None
            ),
        )
        return heads.write_prediction(prediction)

    async def PredictPool(
        self, request: prediction_pb2.PredictPoolRequest, context: Any
    ) -> AsyncIterator[prediction_pb2.PredictPoolResponse]:
        prediction = await self._learner.pool_predictor.predict(
            fields.read_task_id(request.task, "task"),
            head=fields.read_head(request.head, "head"),
            first_row=fields.read_row(request.min_clip_number, "min_clip_number"),
            max_expected_error=(
                request.max_expected_error if request.HasField("max_expected_error") else None
            ),
            filter_=parse_filter(request.filter),
        )
        messages = predictions.write_pool_prediction(prediction)
        async for message in while_taken(context, self._export_idle_s, messages):
            yield message

    async def ListRounds(
        self, request: head_pb2.ListRoundsRequest, context: Any
    ) -> head_pb2.ListRoundsResponse:
        first_version = fields.read_page_offset(request.page_token) or request.min_head_version or 1
        count = fields.read_page_size(request.page_size)
        rounds = await self._learner.tasks.rounds(
            fields.read_task_id(request.task, "task"), first_version, count + 1
        )
        return head_pb2.ListRoundsResponse(
            rounds=[heads.write_round(each) for each in rounds[:count]],
            next_page_token=str(first_version + count) if len(rounds) > count else "",
        )

    async def WatchTask(
        self, request: task_pb2.WatchTaskRequest, context: Any
    ) -> AsyncIterator[task_pb2.WatchTaskResponse]:
        task_id = fields.read_task_id(request.task, "task")
        async for update in self._learner.tasks.watch(task_id):
            if update.written is None:
                update.written = task_pb2.WatchTaskResponse(
                    task=tasks.write_task(update.state),
                    last_round=heads.write_round(update.report) if update.report else None,
                )
            yield update.written

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

    async def ExportHead(
        self, request: head_pb2.ExportHeadRequest, context: Any
    ) -> head_pb2.ExportHeadResponse:
        if request.head and request.head_version:
            raise InvalidInput.of("head", "give it or head_version, not both")
        asked = str(request.head_version) if request.head_version else request.head
        exported = await self._learner.tasks.head(
            fields.read_task_id(request.task, "task"), fields.read_head(asked, "head")
        )
        return head_pb2.ExportHeadResponse(head=heads.write_head(exported))

    async def PromoteHead(
        self, request: head_pb2.PromoteHeadRequest, context: Any
    ) -> head_pb2.PromoteHeadResponse:
        task_id = fields.read_task_id(request.task, "task")
        promotion = await self._learner.promoting.promote(
            task_id, fields.read_id(request.promotion_id, "promotion_id"), request.head_version
        )
        return head_pb2.PromoteHeadResponse(promotion=heads.write_promotion(task_id, promotion))

    async def DemoteHead(
        self, request: head_pb2.DemoteHeadRequest, context: Any
    ) -> head_pb2.DemoteHeadResponse:
        await self._learner.promoting.demote(*fields.read_promotion_name(request.name, "name"))
        return head_pb2.DemoteHeadResponse()

    async def ListPromotions(
        self, request: head_pb2.ListPromotionsRequest, context: Any
    ) -> head_pb2.ListPromotionsResponse:
        task_id = fields.read_task_id(request.task, "task")
        promotions = await self._learner.promoting.list_all(task_id)
        return head_pb2.ListPromotionsResponse(
            promotions=[heads.write_promotion(task_id, each) for each in promotions]
        )


def rpc_service(learner: Learner, export_idle_s: float) -> Service:
    """Return LearnerService, as a server takes it."""
    return Service(
        learner_service_pb2.DESCRIPTOR.services_by_name["LearnerService"].full_name,
        LearnerServicer(learner, export_idle_s),
        pb_grpc.add_LearnerServiceServicer_to_server,
        make_gates(),
        remedy="more learners on the same Redis share the load",
    )
