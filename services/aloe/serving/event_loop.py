"""The faster event loop, for services that gain from it."""

import asyncio


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make a loop of uvloop's where that is installed, else one of asyncio's own."""
    try:
        import uvloop
    except ImportError:  # There is none for Windows.
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
