"""URLs in messages: never with what logs in somewhere."""

import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(::[A-Za-z][A-Za-z0-9+.-]*)*://")
_OF_PATHS = ("file://", "unix://")
_OPTIONS = re.compile(r"\?[^\s'\"=?]{1,100}=[^\s'\"]*")
_AMBIGUOUS = re.compile(r"[/?#\\\s]")


def shown(url: str) -> str:
    """Return a URL without its login, its options and its fragment, for messages and logs.

    A password may hold "/", "?", "#", "@", "%" and spaces although it should not. Where it cannot
    be told what is password and what is place, only the scheme is left.
    """
    found = _SCHEME.match(url)
    if not found:
        # A path, or a login whose scheme was forgotten.
        return url if "@" not in url or url.startswith("/") else "..."
    scheme, rest = found.group(), url[found.end() :]
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    if rest.startswith("/") and ("@" not in rest or scheme.lower() in _OF_PATHS):
        return scheme + place  # No host, so no login.
    login, _, behind = rest.rpartition("@")
    if _AMBIGUOUS.search(login):
        return f"{scheme}..."
    return scheme + re.split(r"[?#]", behind, maxsplit=1)[0]


def without_logins(text: str) -> str:
    """Return a text of others, such as an exception's, without the logins of URLs within it.

    Of each line, all that might be a login goes: from the first "://" to the last "@".
    """
    return "\n".join(map(_without_logins, text.split("\n")))


def _without_logins(line: str) -> str:
    # Not by a pattern, which on a hostile text would take a time that grows with its square.
    begin, end = line.find("://"), line.rfind("@")
    if 0 <= begin < end:
        line = f"{line[:begin]}://...{line[end:]}"
    return _OPTIONS.sub("?...", line)
