"""The clients for asyncio: the same methods, awaited."""
