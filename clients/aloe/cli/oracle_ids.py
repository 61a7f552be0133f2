"""Who answers, where no --oracle says so."""

import getpass
import re
import secrets
import socket

from aloe.cli.console import CommandError

_MOST_CHARACTERS = 100
_OTHER_CHARACTERS = re.compile(r"^[^A-Za-z0-9_]|[^A-Za-z0-9_.~@+-]")


def oracle_of_person(given: str) -> str:
    """Return the oracle's id that was given, or "user@host".

    Raises:
        CommandError: none was given, and this user has no name.
    """
    if given:
        return given
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        raise CommandError("who answers? give --oracle NAME, or set ALOE_ORACLE") from None
    return _OTHER_CHARACTERS.sub("_", f"{user}@{socket.gethostname()}")[:_MOST_CHARACTERS]


def oracle_of_session(given: str) -> str:
    """Return the oracle's id that was given, or "user@host:session", another one each time.

    Raises:
        CommandError: as oracle_of_person.
    """
    return given or f"{oracle_of_person(given)}:{secrets.token_hex(3)}"
