from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import ParseDict

from aloe.v1 import (
    embedding_service_pb2,
    head_pb2,
    labeling_pb2,
    learner_service_pb2,
    pool_pb2,
    stopping_pb2,
    task_pb2,
)
from aloe.wire.bounds import MAX_COUNTS, MAX_REQUEST_BYTES, check_counts
from aloe.wire.errors import MalformedValue

SERVICES = [
    service
    for module in (learner_service_pb2, embedding_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]


def lists_below(message: Descriptor, seen: set[str]) -> Iterator[str]:
    if message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        if field.is_repeated:
            yield f"{message.full_name}.{field.name}"
        if field.message_type:
            yield from lists_below(field.message_type, seen)


def test_every_list_in_a_message_of_the_contract_has_a_bound_and_no_other() -> None:
    seen: set[str] = set()
    lists = {
        name
        for service in SERVICES
        for method in service.methods
        for message in (method.input_type, method.output_type)
        for name in lists_below(message, seen)
    }
    assert set(MAX_COUNTS) == lists


def test_every_size_is_of_a_request() -> None:
    requests = {method.input_type.full_name for each in SERVICES for method in each.methods}
    assert set(MAX_REQUEST_BYTES) <= requests


@pytest.mark.parametrize(
    ("kind", "content", "field"),
    [
        (labeling_pb2.RenewLeasesRequest, {"leaseIds": ["a"] * 10_001}, "lease_ids"),
        (labeling_pb2.SubmitLabelsRequest, {"answers": [{}] * 10_001}, "answers"),
        (head_pb2.PredictRequest, {"clips": {"names": ["a"] * 10_001}}, "clips.names"),
        (
            pool_pb2.ImportClipsRequest,
            {"clips": [{}, {"otherIds": ["a"] * 10_001}]},
            r"clips\[1\]\.other_ids",
        ),
        (task_pb2.CreateTaskRequest, {"task": {"classes": ["a"] * 1_001}}, r"task\.classes"),
        (
            stopping_pb2.StoppingRule,
            {"any": {"rules": [{"all": {"rules": [{}] * 101}}]}},
            r"any\.rules\[0\]\.all\.rules",
        ),
    ],
)
def test_a_list_that_is_too_long_is_named(kind, content, field) -> None:
    with pytest.raises(MalformedValue, match=rf"^{field}: [\d,]+ in one message; at most"):
        check_counts(ParseDict(content, kind()))


def test_lists_within_their_bounds_pass() -> None:
    check_counts(labeling_pb2.RenewLeasesRequest(lease_ids=["a"] * 10_000))
    check_counts(task_pb2.CreateTaskRequest(task=task_pb2.Task(classes=["a"] * 1_000)))
    check_counts(labeling_pb2.QueryRequest())
