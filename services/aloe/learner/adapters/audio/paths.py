"""Paths in URIs: whether some reading of one leads out of the folder that it seems to be in."""

import re
from urllib.parse import unquote

_MOST_DECODINGS = 4
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_STEPS = ("", ".", "..")


def leads_elsewhere(path: str) -> bool:
    """Whether a path, relative to a folder, may mean another place than its letters say.

    Servers decode percent encodings once, or again where a proxy did before them; some take a
    backslash for a slash, drop empty segments or cut a segment at its ";".
    """
    for _ in range(_MOST_DECODINGS):
        segments = path.split("/")
        if _CONTROL.search(path) or any(each.partition(";")[0] in _STEPS for each in segments):
            return True
        decoded = unquote(path, errors="replace")
        if decoded == path:
            return False
        path = decoded
    return True
