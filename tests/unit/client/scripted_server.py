"""A real gRPC server on a free port whose answers a test writes, and both kinds of client on it."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NoReturn

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_status import rpc_status

from aloe.serving.status import Status
from aloe.v1 import embedding_service_pb2, learner_service_pb2

LEARNER = learner_service_pb2.DESCRIPTOR.services_by_name["LearnerService"]
EMBEDDING = embedding_service_pb2.DESCRIPTOR.services_by_name["EmbeddingService"]

Script = Callable[[Any, Any], Any]
"""(request, context) to the response. Streams are iterators on either side."""


def fail(context: grpc.ServicerContext, code: grpc.StatusCode, **status: Any) -> NoReturn:
    """End a call with the status that the servers of this project would send."""
    fields = {"reason": "INTERNAL", "message": "no", **status}
    context.abort_with_status(rpc_status.to_status(Status(code, **fields).to_proto()))
    raise AssertionError  # abort always raises


def never(context: grpc.ServicerContext) -> None:
    """Block until the caller has left."""
    left = threading.Event()
    if context.add_callback(left.set):
        left.wait()


def failing_first(times: int, answer: Script, code: grpc.StatusCode, **status: Any) -> Script:
    """Fail some times, then answer."""
    attempts = iter(range(times))

    def script(request: Any, context: Any) -> Any:
        if next(attempts, None) is not None:
            fail(context, code, **status)
        return answer(request, context)

    return script


class ScriptedServer(grpc.GenericRpcHandler):
    """Serves one service by scripts and keeps what it was sent."""

    def __init__(self, service: ServiceDescriptor, address: str = "127.0.0.1:0") -> None:
        self.requests: dict[str, list[Any]] = defaultdict(list)
        """Single requests by RPC, in order."""
        self._methods = {method.name: method for method in service.methods}
        self._scripts: dict[str, Script] = {}
        self._server = grpc.server(
            ThreadPoolExecutor(8), handlers=[self], options=[("grpc.so_reuseport", 0)]
        )
        port = self._server.add_insecure_port(address)
        self.target = f"127.0.0.1:{port}"
        self._server.start()

    def on(self, rpc: str, script: Script) -> None:
        """Answer an RPC."""
        self._scripts[rpc] = script

    def stop(self) -> None:
        """Drop every call and free the port."""
        self._server.stop(None).wait()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        rpc = str(handler_call_details.method).rpartition("/")[2]
        return self._handler(self._methods[rpc]) if rpc in self._scripts else None

    def _handler(self, method: MethodDescriptor) -> Any:
        kinds = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }

        def behave(request: Any, context: Any) -> Any:
            if not method.client_streaming:
                self.requests[method.name].append(request)
            return self._scripts[method.name](request, context)

        return kinds[method.client_streaming, method.server_streaming](
            behave,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=GetMessageClass(method.output_type).SerializeToString,
        )


class Blocking:
    """Drives a blocking client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        """Return the result, a list where it is a stream."""
        result = getattr(self._client, method)(*args, **options)
        return list(result) if isinstance(result, Iterator) else result

    def take(self, count: int, method: str, *args: Any, **options: Any) -> list[Any]:
        """Return the first results of a stream."""
        return list(islice(getattr(self._client, method)(*args, **options), count))

    def close(self) -> None:
        self._client.close()


class Asyncio:
    """Drives an asyncio client in a loop of its own."""

    def __init__(self, make_client: Callable[[], Any]) -> None:
        self._loop = asyncio.Runner()
        self._client = self._loop.run(self._made(make_client))

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        """Return the result, a list where it is a stream."""

        async def run() -> Any:
            result = getattr(self._client, method)(*args, **options)
            if isinstance(result, AsyncIterator):
                return [item async for item in result]
            return await result

        return self._loop.run(run())

    def take(self, count: int, method: str, *args: Any, **options: Any) -> list[Any]:
        """Return the first results of a stream."""

        async def run() -> list[Any]:
            stream = getattr(self._client, method)(*args, **options)
            taken = [await anext(stream) for _ in range(count)]
            await stream.aclose()
            return taken

        return self._loop.run(run())

    def close(self) -> None:
        self._loop.run(self._client.close())
        self._loop.close()

    @staticmethod
    async def _made(make_client: Callable[[], Any]) -> Any:
        return make_client()


Driver = Blocking | Asyncio
