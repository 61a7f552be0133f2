"""Health, which orchestrators ask for once or watch."""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from aloe.local import LocalStack


def test_health_can_be_watched(stack: LocalStack):
    for address in (stack.learner_address, stack.embedding_address):
        with grpc.insecure_channel(address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            watched = stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)
            assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
            watched.cancel()
