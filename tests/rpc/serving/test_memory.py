"""What calls leave in a service's memory."""

import re
from pathlib import Path
from typing import Any

import grpc
import pytest

from aloe.local import LocalStack

_CALLS, _MIB = 10, 1 << 20


def resident_mib(pid: int | None) -> float:
    found = re.search(r"VmRSS:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


@pytest.mark.slow
def test_a_request_that_is_refused_is_not_kept(stack: LocalStack):
    pid = stack.pids["the learner"]
    # A name of 50 MiB.
    request = b"\x0a\x80\x80\x80\x19" + b"x" * (50 * _MIB)
    with grpc.insecure_channel(
        stack.learner_address, [("grpc.max_send_message_length", 64 * _MIB)]
    ) as channel:
        call: Any = channel.unary_unary("/aloe.v1.LearnerService/GetTask")
        before = resident_mib(pid)
        for _ in range(_CALLS):
            with pytest.raises(grpc.RpcError) as caught:
                call(request, timeout=20)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert resident_mib(pid) - before < _CALLS * 50 / 2
