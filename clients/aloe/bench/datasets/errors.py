"""The error of the data set readers."""


class DatasetError(Exception):
    """A data set that cannot be used: one line that says what is wrong and what to do."""
