"""What can go wrong with a recording."""


class BadAudio(Exception):
    """A recording that cannot be taken; the message says why, where, and what to do."""
