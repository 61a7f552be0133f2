"""How many heads of a task are kept that nobody gave a name."""

KEPT_HEADS = 5
"""The newest; those that were ever promoted are kept besides."""
