import asyncio

from aloe.serving.heap import LARGE_BYTES, Trimmer


async def test_memory_is_given_back_once_after_large_requests():
    given_back = asyncio.Event()
    loop, count = asyncio.get_running_loop(), 0

    def trim() -> None:
        nonlocal count
        count += 1
        loop.call_soon_threadsafe(given_back.set)

    trimmer = Trimmer(trim, pause_s=0.01)
    trimmer.took(LARGE_BYTES - 1)
    await asyncio.sleep(0.03)
    assert count == 0
    for _ in range(3):
        trimmer.took(LARGE_BYTES)
    await asyncio.wait_for(given_back.wait(), 5)
    assert count == 1
