"""The error of tables."""


class TableError(Exception):
    """A table that cannot be used: one line that says where, what is wrong and what to do."""
