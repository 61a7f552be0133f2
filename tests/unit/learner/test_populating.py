import mmap
import platform
import re
from pathlib import Path

import numpy as np
import pytest

from aloe.learner.adapters.redis.populating import populate

MEMORY_BYTES = 32 * 1024**2


def knows_how() -> bool:
    version = tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2])
    return platform.system() == "Linux" and version >= (5, 14)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


@pytest.mark.skipif("not knows_how()", reason="needs Linux 5.14")
def test_memory_is_there_before_it_is_touched():
    # Not numpy's: it may give memory that was in use before.
    memory = mmap.mmap(-1, MEMORY_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    before = resident_bytes()
    populate(np.frombuffer(memory, np.uint8))
    assert resident_bytes() - before > 0.9 * MEMORY_BYTES


def test_what_an_array_holds_stays():
    array = np.arange(3_000_000, dtype=np.float32).reshape(-1, 3)
    populate(array[7:])
    assert np.array_equal(array.ravel(), np.arange(3_000_000))
