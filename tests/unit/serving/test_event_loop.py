import asyncio
import subprocess
import sys

import pytest

from aloe.serving import event_loop


async def loop_module() -> str:
    return type(asyncio.get_running_loop()).__module__


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_a_service_runs_on_uvloop():
    assert event_loop.run(loop_module()).startswith("uvloop")


def test_without_uvloop_a_service_runs_on_the_loop_of_asyncio():
    program = (
        "import asyncio, sys\n"
        "sys.modules['uvloop'] = None  # as if it were not installed\n"
        "from aloe.serving import event_loop\n"
        "async def main(): print(type(asyncio.get_running_loop()).__module__)\n"
        "event_loop.run(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("asyncio."), done.stderr


def test_what_the_coroutine_raises_reaches_the_caller():
    async def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        event_loop.run(fail())
