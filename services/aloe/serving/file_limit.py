"""How many files and connections a process may have open."""

import contextlib
import resource


def raise_file_limit() -> int:
    """Raise the soft limit to the hard one, if the system lets it; return what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft
