"""Statuses that no server sent: what gRPC itself says of a call whose stream is gone.

A server of this project gives its reasons with every status. A status without them was made on the
way: by gRPC's core at either end, by the library around it, or by a proxy.
"""

from grpc import StatusCode

_BY_WHAT_IS_SENT = ("Exception ", "Unexpected ", "serializ", "ompress", "status: 400")
"""In what the core and its libraries say of a message or a request that the next attempt will not
mend: it cannot be read or written, or whoever should take it raised an exception."""
_BY_THE_CALLER = ("Channel closed!", "Locally cancelled by application!")
_BY_ENHANCE_YOUR_CALM = ("RST_STREAM", "GOAWAY", "too_many_pings", "Concurrent RPC limit")
"""Other than a message that is larger than a limit, which a repeat does not make smaller."""


def is_stream_gone(code: StatusCode, details: str) -> bool:
    """Whether a status that no server sent means that the same call may succeed if it is repeated.

    UNAVAILABLE is what the core makes of most lost connections. A reset of one stream may be
    INTERNAL, CANCELLED, RESOURCE_EXHAUSTED or UNAVAILABLE, by its HTTP/2 error code; a stream that
    ends without a status, and most HTTP statuses of proxies, are UNKNOWN; and a message that
    could not be sent, because the stream had ended, is INTERNAL to asyncio.
    """
    match code:
        case StatusCode.UNAVAILABLE:
            return True
        case StatusCode.INTERNAL | StatusCode.UNKNOWN | StatusCode.CANCELLED:
            return not _has_one(details, _BY_WHAT_IS_SENT + _BY_THE_CALLER)
        case StatusCode.RESOURCE_EXHAUSTED:
            return _has_one(details, _BY_ENHANCE_YOUR_CALM)
        case _:
            return False


def _has_one(text: str, parts: tuple[str, ...]) -> bool:
    return any(part in text for part in parts)
