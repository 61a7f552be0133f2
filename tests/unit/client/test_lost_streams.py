"""A call whose stream or connection is gone is made again, however gRPC words that."""

import socket
import struct
from collections.abc import Iterator

import grpc
import pytest
from tests.unit.client.import_log import ImportLog, embeddings
from tests.unit.client.rough_server import Connection, Misdeed, RoughServer
from tests.unit.client.scripted_server import Asyncio, Blocking, Driver, fail
from tests.unit.client.test_embedding import backwards, check_lengths, recordings

from aloe import client
from aloe.client.calls.core_status import is_stream_gone
from aloe.v1 import embedding_service_pb2 as pb
from aloe.v1 import labeling_pb2, task_pb2

Code = grpc.StatusCode
_HTTP2_CODES = (0x0, 0x2, 0x7, 0x8, 0xB)
"""No error, internal error, refused stream, cancel, enhance your calm: each is another status."""


def reset_with(code: int) -> Misdeed:
    return lambda connection, stream: connection.reset(stream, code)


def answer_as_proxy(status: int) -> Misdeed:
    return lambda connection, stream: connection.send_headers(stream, end=True, status=status)


def reset_after_headers(connection: Connection, stream: int) -> None:
    connection.send_headers(stream, end=False, content_type="application/grpc")
    connection.reset(stream, 0x2)


def reset_connection(connection: Connection, stream: int) -> None:
    linger_not = struct.pack("ii", 1, 0)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    connection.sock.close()


def end_without_status(connection: Connection, stream: int) -> None:
    connection.send_headers(stream, end=False, content_type="application/grpc")
    connection.send(0, flags=1, stream=stream)


MISDEEDS: dict[str, Misdeed] = {
    **{f"reset {code}": reset_with(code) for code in _HTTP2_CODES},
    "reset after headers": reset_after_headers,
    "too many pings": lambda connection, _: connection.go_away(
        0xB, b"too_many_pings", last_stream=0
    ),
    "graceful goaway": lambda connection, _: connection.go_away(0, last_stream=0),
    "goaway and gone": lambda connection, stream: connection.go_away(2, last_stream=stream),
    "connection closed": lambda *_: None,
    "connection reset": reset_connection,
    "no HTTP/2": lambda connection, _: connection.sock.sendall(b"\0" * 50 + b"HTTP/1.1 502\r\n"),
    "end without status": end_without_status,
    **{f"HTTP {status}": answer_as_proxy(status) for status in (429, 500, 503)},
}


@pytest.fixture(params=MISDEEDS)
def misdeed(request: pytest.FixtureRequest) -> Misdeed:
    return MISDEEDS[request.param]


@pytest.fixture(params=["blocking", "asyncio"])
def rough_learner(request, learner_server, misdeed) -> Iterator[Driver]:
    rough = RoughServer(misdeed, learner_server.target)
    driver: Driver = (
        Blocking(client.connect(rough.target))
        if request.param == "blocking"
        else Asyncio(lambda: client.connect_async(rough.target))
    )
    yield driver
    driver.close()
    rough.stop()


@pytest.fixture(params=["blocking", "asyncio"])
def rough_embedding(request, embedding_server, misdeed) -> Iterator[Driver]:
    rough = RoughServer(misdeed, embedding_server.target)
    driver: Driver = (
        Blocking(client.connect_embedding(rough.target))
        if request.param == "blocking"
        else Asyncio(lambda: client.connect_embedding_async(rough.target))
    )
    yield driver
    driver.close()
    rough.stop()


def test_single_call_is_made_again(learner_server, rough_learner):
    learner_server.on(
        "Query",
        lambda *_: labeling_pb2.QueryResponse(pool_state=task_pb2.POOL_STATE_EXHAUSTED),
    )
    found = rough_learner.call("query", "greetings", "anna")
    assert found.pool_state is client.PoolState.EXHAUSTED


def test_stream_of_requests_is_sent_again(learner_server, rough_learner):
    learner_server.on("ImportClips", ImportLog())
    summary = rough_learner.call("import_clips", "voices", embeddings(12, dim=100_000))
    assert summary.imported_count == 12


def test_stream_of_responses_is_read_again(learner_server, rough_learner):
    learner_server.on(
        "ExportLabels",
        lambda *_: iter([labeling_pb2.ExportLabelsResponse()]),
    )
    assert rough_learner.call("export_labels", "greetings") == []


def test_stream_both_ways_is_taken_up_again(embedding_server, rough_embedding):
    embedding_server.on("EmbedStream", backwards)
    check_lengths(rough_embedding.call("embed_stream", recordings(1000)), 1000)


@pytest.mark.parametrize(
    ("code", "details"),
    [
        (Code.INTERNAL, "Exception deserializing response!"),
        (Code.INTERNAL, "Exception deserializing request!"),
        (Code.INTERNAL, "Exception serializing request!"),
        (Code.INTERNAL, "Failed to serialize response!"),
        (Code.INTERNAL, "Compression bit set but no encoding configured"),
        (Code.INTERNAL, "Decompression failed due to zlib error"),
        (Code.INTERNAL, "Received http2 header with status: 400"),
        (Code.UNKNOWN, "Exception calling application: 'a'"),
        (Code.UNKNOWN, "Exception iterating responses: 'a'"),
        (Code.UNKNOWN, "Unexpected <class 'KeyError'>: 'a'"),
        (Code.CANCELLED, "Channel closed!"),
        (Code.CANCELLED, "Locally cancelled by application!"),
        (Code.RESOURCE_EXHAUSTED, "CLIENT: Received message larger than max (5 vs. 4)"),
        (Code.RESOURCE_EXHAUSTED, "CLIENT: Sent message larger than max (5 vs. 4)"),
        (Code.RESOURCE_EXHAUSTED, "received metadata size exceeds hard limit"),
        (Code.PERMISSION_DENIED, "Received RST_STREAM with error code 12"),
        (Code.UNAUTHENTICATED, "Received http2 header with status: 401"),
        (Code.UNIMPLEMENTED, "Method not found!"),
    ],
)
def test_what_a_repeat_does_not_mend_is_no_lost_stream(code, details):
    assert not is_stream_gone(code, details)


@pytest.mark.parametrize("code", [Code.INTERNAL, Code.UNKNOWN, Code.CANCELLED])
def test_servers_own_word_is_not_taken_for_a_lost_stream(learner_server, learner, code):
    learner_server.on(
        "Query", lambda _, context: fail(context, code, message="RST_STREAM (Stream removed)")
    )
    with pytest.raises(client.AloeError, match="Stream removed") as caught:
        learner.call("query", "greetings", "anna")
    assert caught.value.code == code.name
    assert len(learner_server.requests["Query"]) == 1


def test_message_above_the_limit_is_not_asked_for_again(embedding_server):
    embedding_server.on("Embed", lambda *_: pb.EmbedResponse(fingerprint="x" * 5000))
    options = client.ConnectOptions(max_message_bytes=1000)
    with (
        client.connect_embedding(embedding_server.target, options) as connected,
        pytest.raises(client.ResourceExhausted, match="larger than max"),
    ):
        connected.embed([b"x"])
    assert len(embedding_server.requests["Embed"]) == 1


def test_server_that_says_why_while_it_is_sent_to_is_heard(embedding_server, embedding):
    embedding_server.on(
        "EmbedStream",
        lambda _, context: fail(context, Code.FAILED_PRECONDITION, reason="ENCODER_MISMATCH"),
    )
    for _ in range(20):
        with pytest.raises(client.EncoderMismatch):
            embedding.call("embed_stream", recordings(1000), fingerprint="beef")


def test_server_that_refuses_an_import_while_it_is_sent_is_heard(learner_server, learner):
    learner_server.on(
        "ImportClips",
        lambda _, context: fail(context, Code.FAILED_PRECONDITION, reason="ENCODER_MISMATCH"),
    )
    for _ in range(10):
        with pytest.raises(client.EncoderMismatch):
            learner.call("import_clips", "voices", embeddings(12, dim=100_000))
