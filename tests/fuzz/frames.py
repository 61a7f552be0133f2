"""What is no gRPC at all: HTTP/2 frames and messages framed as none should be, on a socket."""

import asyncio
import contextlib
import random
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _PRIORITY, _RST, _SETTINGS, _PING, _GOAWAY, _WINDOW, _CONTINUATION = (
    *(0, 1, 2, 3, 4, 6, 7, 8, 9),
)
_END_STREAM, _END_HEADERS = 1, 4
_PATIENCE_S = 0.5
_AT_ONCE = 4
_PATH = "/aloe.v1.LearnerService/ListPools"
_ENOUGH_BYTES = 65_536


@dataclass(slots=True)
class FrameTally:
    """What connections were answered."""

    count: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    """The status of gRPC where one came, or how the connection ended."""


async def send_frames(addresses: Sequence[str], seed: float, count: int, tally: FrameTally) -> None:
    """Open connections, some at a time, and send on each what no client would."""
    rng, numbers = random.Random(seed), iter(range(count))

    async def work() -> None:
        for _ in numbers:
            make = rng.choice(_KINDS)
            status = await _sent(rng.choice(addresses), _PREFACE_AND_SETTINGS + make(rng))
            tally.count += 1
            tally.statuses[f"{make.__name__.strip('_')}: {status}"] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(work())


async def _sent(address: str, content: bytes) -> str:
    """Send bytes; return the status that came back, or how the connection ended."""
    host, _, port = address.rpartition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
    except OSError as error:
        return type(error).__name__
    received = b""
    try:
        writer.write(content)
        async with asyncio.timeout(_PATIENCE_S):
            await writer.drain()
            while len(received) < _ENOUGH_BYTES:
                part = await reader.read(_ENOUGH_BYTES)
                if not part:
                    return _status(received) or "closed"
                received += part
                if status := _status(received):
                    return status
    except TimeoutError:
        return "open"
    except OSError as error:
        return _status(received) or type(error).__name__
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return "much"


def _status(received: bytes) -> str:
    """Return the grpc-status in the frames of a connection, where there is one in plain text."""
    at = received.find(b"grpc-status")
    if at < 0:
        return ""
    length = received[at + 11] if at + 11 < len(received) else 0
    return received[at + 12 : at + 12 + length].decode(errors="replace")


def _frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    return (
        struct.pack("!I", len(payload))[1:]
        + bytes([kind, flags])
        + struct.pack("!I", stream_id)
        + payload
    )


def _literal(name: str, value: str) -> bytes:
    """Write a header that no table keeps."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def _headers(stream_id: int = 1, flags: int = _END_HEADERS, **changed: str) -> bytes:
    wanted = {
        ":method": "POST",
        ":scheme": "http",
        ":path": _PATH,
        ":authority": "fuzz",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    wanted |= {name.replace("_", "-").replace("p-", ":", 1): each for name, each in changed.items()}
    return _frame(_HEADERS, flags, stream_id, b"".join(map(_literal, wanted, wanted.values())))


def _message(content: bytes, flag: int = 0, length: int | None = None) -> bytes:
    stated = len(content) if length is None else length
    return _frame(_DATA, _END_STREAM, 1, struct.pack("!BI", flag, stated) + content)


_PREFACE_AND_SETTINGS = _PREFACE + _frame(_SETTINGS, 0, 0)


def _compressed_flag(rng: random.Random) -> bytes:
    return _headers() + _message(rng.randbytes(20), flag=1)


def _unknown_flag(rng: random.Random) -> bytes:
    return _headers() + _message(b"", flag=rng.randrange(2, 256))


def _longer_than_it_is(rng: random.Random) -> bytes:
    return _headers() + _message(
        b"x" * rng.randrange(20), length=rng.choice([100, 2**31, 2**32 - 1])
    )


def _half_a_prefix(rng: random.Random) -> bytes:
    return _headers() + _frame(_DATA, _END_STREAM, 1, b"\0\0\0")


def _no_message_at_all(rng: random.Random) -> bytes:
    return _headers() + _frame(_DATA, _END_STREAM, 1)


def _two_messages(rng: random.Random) -> bytes:
    return _headers() + _frame(_DATA, _END_STREAM, 1, bytes(10))


def _unknown_method(rng: random.Random) -> bytes:
    path = rng.choice(["/aloe.v1.LearnerService/Nothing", "/", "", "*", "/a" * 60])
    return _headers(p_path=path) + _message(b"")


def _wrong_verb(rng: random.Random) -> bytes:
    return _headers(p_method=rng.choice(["GET", "PUT", "", "\x01"])) + _message(b"")


def _wrong_type(rng: random.Random) -> bytes:
    return _headers(content_type=rng.choice(["text/plain", "application/grpc-web", ""])) + _message(
        b""
    )


def _unknown_encoding(rng: random.Random) -> bytes:
    return _headers(grpc_encoding="none such") + _message(b"x", flag=1)


def _wrong_timeout(rng: random.Random) -> bytes:
    return _headers(grpc_timeout=rng.choice(["", "x", "-1S", "99999999999H", "1"])) + _message(b"")


def _many_headers(rng: random.Random) -> bytes:
    many = b"".join(_literal(f"x-{number}", "v" * 100) for number in range(200))
    return _frame(_HEADERS, _END_HEADERS, 1, many[: rng.choice([1_000, 16_000])])


def _garbled_headers(rng: random.Random) -> bytes:
    return _frame(_HEADERS, _END_HEADERS, 1, rng.randbytes(rng.randrange(1, 200)))


def _garbage(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(1, 2_000))


def _any_frames(rng: random.Random) -> bytes:
    return b"".join(
        _frame(
            rng.randrange(12),
            rng.randrange(256),
            rng.randrange(4),
            rng.randbytes(rng.randrange(64)),
        )
        for _ in range(rng.randrange(1, 30))
    )


def _continued_for_long(rng: random.Random) -> bytes:
    return _headers(flags=0) + _frame(_CONTINUATION, 0, 1, _literal("x-a", "b")) * 1_000


def _opened_and_reset(rng: random.Random) -> bytes:
    return b"".join(
        _headers(stream_id) + _frame(_RST, 0, stream_id, bytes(4)) for stream_id in range(1, 41, 2)
    )


def _pinged(rng: random.Random) -> bytes:
    return _frame(_PING, 0, 0, bytes(8)) * rng.choice([1, 500])


def _windows(rng: random.Random) -> bytes:
    return (
        _headers()
        + _frame(_WINDOW, 0, rng.randrange(2), struct.pack("!I", rng.choice([0, 2**31 - 1]))) * 2
    )


_KINDS: Sequence[Callable[[random.Random], bytes]] = (
    *(_compressed_flag, _unknown_flag, _longer_than_it_is, _half_a_prefix, _no_message_at_all),
    *(_two_messages, _unknown_method, _wrong_verb, _wrong_type, _unknown_encoding, _wrong_timeout),
    *(_many_headers, _garbled_headers, _garbage, _any_frames, _continued_for_long),
    *(_opened_and_reset, _pinged, _windows),
)
