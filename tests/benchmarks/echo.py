"""A gRPC server that only answers: it shows what Python and gRPC themselves cost per call."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from aloe.local.child import Child
from aloe.serving.event_loop import new_event_loop

ECHO = "/benchmark.Echo/Echo"


def unary(channel: Any, method: str) -> Any:
    """Return a method that takes and returns serialized messages."""
    return channel.unary_unary(method)


class _Echo(grpc.GenericRpcHandler):
    """Answers any bytes with the same reply."""

    def __init__(self, reply: bytes) -> None:
        async def answer(_request: bytes, _context: object) -> bytes:
            return reply

        self._handler: Any = grpc.unary_unary_rpc_method_handler(answer)

    def service(self, handler_call_details: Any) -> Any:
        return self._handler if handler_call_details.method == ECHO else None


async def _serve_echo(reply_byte_count: int) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Echo(bytes(reply_byte_count)),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"echo listening on 127.0.0.1:{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


@contextmanager
def running_echo(
    folder: Path, reply_byte_count: int, *, on_our_loop: bool = False
) -> Iterator[str]:
    """Run one on asyncio's event loop, or on the learner's kind of loop; yield its address."""
    addresses: list[str] = []

    def ready(child: Child) -> bool:
        line = child.read_line()
        if line is not None:
            addresses.append(line.rpartition(" ")[2])
        return bool(addresses)

    command = [sys.executable, "-m", "tests.benchmarks.echo", str(reply_byte_count)]
    command += ["ours"] * on_our_loop
    child = Child("the echo", command, log_path=folder / "echo.log", ready=ready)
    child.start(timeout_s=60)
    try:
        yield addresses[0]
    finally:
        child.stop()


if __name__ == "__main__":
    factory = new_event_loop if sys.argv[2:] == ["ours"] else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve_echo(int(sys.argv[1])))
