import asyncio

from aloe.serving.heap import LARGE_BYTES, Trimmer


async def test_memory_is_given_back_after_the_last_large_request():
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
    given_back.clear()
    # The others may have been in work still when it was given back after the first.
    await asyncio.wait_for(given_back.wait(), 5)
    await asyncio.sleep(0.03)
    assert count == 2
