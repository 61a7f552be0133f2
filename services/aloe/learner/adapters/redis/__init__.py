"""The store in Redis: atomic scripts, vectors in chunks."""
