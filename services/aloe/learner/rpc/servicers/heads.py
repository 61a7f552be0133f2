"""RPCs about heads."""

from collections.abc import AsyncIterator
from typing import Any

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.rpc import (
    fields,
    head_backups,
    heads,
    predictions,
)
from aloe.learner.rpc.servicers.base import Rpcs
from aloe.serving.idle import while_taken
from aloe.v1 import (
    head_pb2,
    prediction_pb2,
)


class HeadRpcs(Rpcs):
    """RPCs about heads."""

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
        page = heads.page_of_rounds(rounds[:count])
        more = str(first_version + count) if len(rounds) > count else ""
        if len(page) < min(count, len(rounds)):
            more = str(rounds[len(page)].round.head_version)
        return head_pb2.ListRoundsResponse(rounds=page, next_page_token=more)

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
            task_id,
            fields.read_id(request.promotion_id, "promotion_id"),
            request.head_version,
            fields.read_time(request.promote_time, "promote_time")
            if request.HasField("promote_time")
            else None,
        )
        return head_pb2.PromoteHeadResponse(promotion=heads.write_promotion(task_id, promotion))

    async def RestoreHead(
        self, request: head_pb2.RestoreHeadRequest, context: Any
    ) -> head_pb2.RestoreHeadResponse:
        task_id = fields.read_task_id(request.task, "task")
        await self._learner.restoring.restore(task_id, head_backups.read_backup(request))
        return head_pb2.RestoreHeadResponse()

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
