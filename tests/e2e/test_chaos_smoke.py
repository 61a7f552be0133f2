"""Half a minute of chaos on the whole system, as its command runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.chaos.findings import FindingKind
from tests.needing_redis import needing_redis

from aloe.local.redis_server import find_redis_server

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_half_a_minute_of_chaos_breaks_no_promise():
    with needing_redis():
        find_redis_server()
    command = [sys.executable, "-m", "tests.chaos", "--minutes", "0.5", "--seed", "4", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {kind.value: report[kind.value] for kind in FindingKind} == dict.fromkeys(
        (kind.value for kind in FindingKind), 0
    )
    # It did something, and was disturbed at it in every way.
    assert report["rollbacks"] >= 1
    assert len(report["faults"]) >= 20
    assert report["kills"] >= 1
    assert report["operations"] >= 100
    assert min(report["labels"].values()) >= 3
    assert sum(report["labels"].values()) >= 50
    assert report["acknowledged_calls"]["import_recording"] >= 1
    assert (report["oracles"], report["replicas"], report["seed"]) == (8, 2, 4)
