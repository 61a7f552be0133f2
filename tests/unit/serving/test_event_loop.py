import asyncio
import subprocess
import sys

import pytest

from aloe.serving.event_loop import new_event_loop


async def loop_module() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_it_is_a_loop_of_uvloop():
    pytest.importorskip("uvloop", reason="uvloop is not for Windows")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert runner.run(loop_module()).startswith("uvloop")


def test_without_uvloop_it_is_a_loop_of_asyncio():
    program = (
        "import sys\n"
        "sys.modules['uvloop'] = None  # as if it were not installed\n"
        "from aloe.serving.event_loop import new_event_loop\n"
        "print(type(new_event_loop()).__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("asyncio."), done.stderr
