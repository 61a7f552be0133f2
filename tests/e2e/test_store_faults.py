"""A store without room while oracles label, as its command runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.chaos.store_fault_kinds import STORE_FAULTS
from tests.needing_redis import needing_redis

from aloe.local import find_redis_server

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", STORE_FAULTS)
def test_without_room_nothing_is_lost_or_half_done_and_reading_goes_on(fault: str):
    with needing_redis():
        find_redis_server()
    command = [sys.executable, "-m", "tests.chaos.store_faults", "--json", "--seconds", "5"]
    done = subprocess.run(
        [*command, "--fault", fault], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    row = json.loads(done.stdout)[fault]
    if "skipped" in row:
        pytest.skip(row["skipped"])
    assert (row["acknowledged_labels_lost"], row["half_done_writes"]) == (0, 0)
    assert (row["reads_failed"], row["recovered_by_itself"]) == (0, True)
    assert row["reads_during_fault"] > 10
    assert row["labels_acknowledged_before"] > 10
    assert row["refused_during"]["STORE_FULL"] > 0
