"""Callers of the overload tool as the processes that they are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from tests.load.callers import Plan
from tests.load.overload import CallersFailed, run_callers


@pytest.fixture
def plan() -> Iterator[Plan]:
    """A plan for callers of a server that serves nothing."""
    server = grpc.server(ThreadPoolExecutor(2))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield Plan("predict", address, address, 4, 2, 0.0, 0.3, 2.0, 100.0)
    server.stop(0)


def test_calls_that_fail_are_counted_by_status(plan: Plan):
    outcome = run_callers(plan)
    assert (outcome.answered, outcome.refused) == (0, 0)
    assert outcome.failed == {"UNIMPLEMENTED": outcome.offered}
    assert outcome.offered > 0


def test_callers_that_fail_end_the_tool_with_a_line(
    plan: Plan, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """They find no room for what came of their calls."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "grpc").mkdir()
    (tmp_path / "grpc/__init__.py").write_text("raise SystemExit(3)")
    with pytest.raises(CallersFailed, match="'predict' ended with code 3"):
        run_callers(plan)
