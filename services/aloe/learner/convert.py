"""Protobuf to domain, and exceptions to statuses. The way back is in respond.py."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from google.protobuf import duration_pb2, timestamp_pb2

from aloe.learner.convert_stopping import stopping_rule
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.events import START_OF_LOG
from aloe.learner.domain.pool import Audio, EncodedAudio, PcmAudio
from aloe.learner.domain.task import DEFAULT_LEASE_DURATION, Task
from aloe.learner.usecases.labeling import OracleAnswer
from aloe.learner.usecases.predicting import ClipsOfPool, PredictInput
from aloe.learner.usecases.tasks import KnownLabel
from aloe.v1 import audio_pb2, head_pb2, labeling_pb2, task_pb2
from aloe.values import (
    AcquisitionFunction,
    AdamRecipe,
    HeadRecipe,
    LbfgsRecipe,
    QueryStrategy,
    SelectionRule,
    Split,
)
from aloe.wire import names
from aloe.wire.arrays import MalformedArray, decode_matrix

T = TypeVar("T")

ACQUISITION_FUNCTIONS = {
    task_pb2.ACQUISITION_FUNCTION_UNSPECIFIED: AcquisitionFunction.SMALLEST_MARGIN,
    task_pb2.ACQUISITION_FUNCTION_SMALLEST_MARGIN: AcquisitionFunction.SMALLEST_MARGIN,
    task_pb2.ACQUISITION_FUNCTION_LARGEST_MARGIN: AcquisitionFunction.LARGEST_MARGIN,
    task_pb2.ACQUISITION_FUNCTION_LEAST_CONFIDENCE: AcquisitionFunction.LEAST_CONFIDENCE,
    task_pb2.ACQUISITION_FUNCTION_ENTROPY: AcquisitionFunction.ENTROPY,
    task_pb2.ACQUISITION_FUNCTION_NORM: AcquisitionFunction.NORM,
    task_pb2.ACQUISITION_FUNCTION_RANDOM: AcquisitionFunction.RANDOM,
    task_pb2.ACQUISITION_FUNCTION_MARGIN_LOGITS: AcquisitionFunction.MARGIN_LOGITS,
}
SELECTION_RULES = {
    task_pb2.SELECTION_RULE_UNSPECIFIED: SelectionRule.CLASS_AWARE,
    task_pb2.SELECTION_RULE_CLASS_AWARE: SelectionRule.CLASS_AWARE,
    task_pb2.SELECTION_RULE_CLASS_AGNOSTIC: SelectionRule.CLASS_AGNOSTIC,
}
SPLITS = {
    labeling_pb2.SPLIT_TRAIN: Split.TRAIN,
    labeling_pb2.SPLIT_VALIDATION: Split.VALIDATION,
    labeling_pb2.SPLIT_TEST: Split.TEST,
}
_SAMPLE_FORMATS = {
    audio_pb2.SAMPLE_FORMAT_INT16: "int16",
    audio_pb2.SAMPLE_FORMAT_FLOAT32: "float32",
}
_UPDATABLE = (
    "query_strategy",
    "head_recipe",
    "label_budget",
    "lease_duration",
    "max_leases_per_oracle",
    "stopping_rule",
)
MAX_ROWS = 10**9


def pool_id(name: str, field: str) -> str:
    """Read "pools/{pool}". Raises InvalidInput that blames `field`."""
    return _parsed(names.parse_pool_name, name, field)


def task_id(name: str, field: str) -> str:
    """Read "tasks/{task}". Raises InvalidInput that blames `field`."""
    return _parsed(names.parse_task_name, name, field)


def clip_name(name: str, field: str) -> names.ClipName:
    """Read "pools/{pool}/clips/{clip}". Raises InvalidInput that blames `field`."""
    return _parsed(names.parse_clip_name, name, field)


def an_id(value: str, field: str) -> str:
    """Check an id. Raises InvalidInput that blames `field`."""
    return _parsed(names.check_id, value, field)


def _parsed(parse: Callable[[str], T], text: str, field: str) -> T:
    try:
        return parse(text)
    except names.MalformedName as error:
        raise InvalidInput.of(field, str(error)) from error


def page_size(size: int, most: int = 1_000) -> int:
    """Return how many to list: 0 means the most (1,000 of clips)."""
    return min(size or 1_000, most)


def page_after(token: str) -> str:
    """Read a page token that is the last id of the page before; empty is none."""
    return an_id(token, "page_token") if token else ""


def page_offset(token: str) -> int:
    """Read a page token that is a number."""
    if not token:
        return 0
    if not token.isdecimal() or len(token) > 12:
        raise InvalidInput.of("page_token", f"{token!r} is no token of this list")
    return int(token)


def row(number: int, field: str) -> int:
    """Check a row number. Raises InvalidInput where no pool is that large."""
    if number > MAX_ROWS:
        raise InvalidInput.of(field, f"{number:,}; no pool holds more than {MAX_ROWS:,} clips")
    return number


def count_within(count: int, most: int, field: str) -> int:
    """Return a count, 1 for 0. Raises InvalidInput past `most`."""
    if count > most:
        raise InvalidInput.of(field, f"{count:,}; at most {most:,}")
    return count or 1


def request_id(value: str) -> str:
    """Check a request id; empty is none."""
    return an_id(value, "request_id") if value else ""


def audio(message: audio_pb2.Audio) -> Audio:
    """Read a recording; what is wrong with it the embedding service will say."""
    if message.WhichOneof("content") != "pcm":
        return EncodedAudio(message.encoded)
    pcm = message.pcm
    return PcmAudio(
        samples=pcm.samples,
        sample_rate_hz=pcm.sample_rate_hz,
        sample_format=_SAMPLE_FORMATS.get(pcm.sample_format, "unspecified"),
        channel_count=pcm.channel_count or 1,
    )


def task_spec(id_: str, message: task_pb2.Task, *, epoch: str, create_time: datetime) -> Task:
    """Read a task to create."""
    lease_duration = DEFAULT_LEASE_DURATION
    if message.HasField("lease_duration"):
        lease_duration = duration(message.lease_duration)
    return Task(
        task_id=an_id(id_, "task_id"),
        pool_id=pool_id(message.pool, "task.pool"),
        classes=tuple(message.classes),
        epoch=epoch,
        create_time=create_time,
        query_strategy=_query_strategy(message.query_strategy),
        head_recipe=_head_recipe(message.head_recipe),
        label_budget=message.label_budget if message.HasField("label_budget") else None,
        lease_duration=lease_duration,
        seed=message.seed,
        max_leases_per_oracle=(
            message.max_leases_per_oracle if message.HasField("max_leases_per_oracle") else None
        ),
        stopping_rule=(
            stopping_rule(message.stopping_rule, "task.stopping_rule")
            if message.HasField("stopping_rule")
            else None
        ),
    )


def task_change(message: task_pb2.Task, paths: Sequence[str]) -> Callable[[Task], Task]:
    """Read an update: the fields of `message` that `paths` names, defaults where unset."""
    if not paths:
        raise InvalidInput.of("update_mask", f"empty; name any of {', '.join(_UPDATABLE)}")
    unknown = [path for path in paths if path not in _UPDATABLE]
    if unknown:
        raise InvalidInput.of(
            "update_mask", f"{unknown[0]!r} cannot be changed; any of {', '.join(_UPDATABLE)} can"
        )

    def change(task: Task) -> Task:
        given = task_pb2.Task()
        given.CopyFrom(message)
        given.pool = names.pool_name(task.pool_id)
        wanted = task_spec(task.task_id, given, epoch=task.epoch, create_time=task.create_time)
        return replace(task, **{path: getattr(wanted, path) for path in paths})

    return change


def _query_strategy(message: task_pb2.QueryStrategy) -> QueryStrategy:
    field = "task.query_strategy"
    if message.acquisition_function not in ACQUISITION_FUNCTIONS:
        raise InvalidInput.of(
            f"{field}.acquisition_function", f"{message.acquisition_function} is none"
        )
    if message.selection_rule not in SELECTION_RULES:
        raise InvalidInput.of(f"{field}.selection_rule", f"{message.selection_rule} is none")
    return QueryStrategy(
        ACQUISITION_FUNCTIONS[message.acquisition_function],
        SELECTION_RULES[message.selection_rule],
    )


def _head_recipe(message: head_pb2.HeadRecipe) -> HeadRecipe:
    if message.WhichOneof("optimiser") == "lbfgs":
        lbfgs = message.lbfgs
        given = LbfgsRecipe()
        return LbfgsRecipe(lbfgs.l2_penalty if lbfgs.HasField("l2_penalty") else given.l2_penalty)
    adam, paper = message.adam, AdamRecipe()
    return AdamRecipe(
        adam.learning_rate if adam.HasField("learning_rate") else paper.learning_rate,
        adam.epoch_count if adam.HasField("epoch_count") else paper.epoch_count,
        adam.batch_size if adam.HasField("batch_size") else paper.batch_size,
    )


def known_label(message: labeling_pb2.KnownLabel, index: int) -> KnownLabel:
    """Read a label to import."""
    if message.split not in SPLITS:
        raise InvalidInput.of(
            f"labels[{index}].split", "unset; give SPLIT_TRAIN, SPLIT_VALIDATION or SPLIT_TEST"
        )
    name = clip_name(message.clip, f"labels[{index}].clip")
    label_time = None
    if message.HasField("label_time"):
        label_time = _time(message.label_time, f"labels[{index}].label_time")
    if message.oracle_id:
        an_id(message.oracle_id, f"labels[{index}].oracle_id")
    return KnownLabel(
        name.pool_id,
        name.clip_id,
        None if message.HasField("abstention") else message.label,
        SPLITS[message.split],
        message.oracle_id,
        label_time,
    )


def answer(message: labeling_pb2.Answer, index: int) -> OracleAnswer:
    """Read an oracle's answer."""
    match message.WhichOneof("answer"):
        case "label":
            return OracleAnswer(message.lease_id, message.label)
        case "abstention":
            return OracleAnswer(message.lease_id, None)
        case "retraction":
            return OracleAnswer(message.lease_id, None, retracted=True)
        case _:
            raise InvalidInput.of(
                f"answers[{index}].answer", "unset; give a label, abstention or retraction"
            )


def predict_input(request: head_pb2.PredictRequest) -> PredictInput:
    """Read what to predict for."""
    match request.WhichOneof("input"):
        case "audio":
            if not request.audio.clips:
                raise InvalidInput.of("audio.clips", "empty; give at least one")
            return [audio(message) for message in request.audio.clips]
        case "embeddings":
            try:
                return decode_matrix(request.embeddings)
            except MalformedArray as error:
                raise InvalidInput.of("embeddings", str(error)) from error
        case "clips":
            return _clips_of_pool(request.clips.names)
        case _:
            raise InvalidInput.of("input", "unset; give audio, embeddings or clips")


def _clips_of_pool(clip_names: Sequence[str]) -> ClipsOfPool:
    if not clip_names:
        raise InvalidInput.of("clips.names", "empty; give at least one")
    parsed = [clip_name(name, f"clips.names[{index}]") for index, name in enumerate(clip_names)]
    for index, name in enumerate(parsed):
        if name.pool_id != parsed[0].pool_id:
            raise InvalidInput.of(
                f"clips.names[{index}]", "is of another pool than the first; they must agree"
            )
    return ClipsOfPool(parsed[0].pool_id, tuple(name.clip_id for name in parsed))


def duration(message: duration_pb2.Duration) -> timedelta:
    """Read a duration; one past timedelta's range becomes absurdly long, to be refused later."""
    try:
        return message.ToTimedelta()
    except (OverflowError, ValueError):
        return timedelta.max


def event_id(token: str) -> str:
    """Read a page token that is an event id; empty is the start of the log."""
    if not token:
        return START_OF_LOG
    if not re.fullmatch(r"\d{1,15}-\d{1,15}", token):
        raise InvalidInput.of("page_token", f"{token!r} is no token of this list")
    return token


def _time(message: timestamp_pb2.Timestamp, field: str) -> datetime:
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (OverflowError, ValueError) as error:
        raise InvalidInput.of(field, f"no time: {error}") from error
