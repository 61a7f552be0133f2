"""Plays a recording with whatever player this machine has."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

_PLAYERS = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
    ("afplay",),
    ("play", "-q"),
    ("paplay",),
    ("aplay", "-q"),
)
_LONGEST_S = 120


def find_player() -> tuple[str, ...] | None:
    """Return the command of the first player found, without the file."""
    for name, *flags in _PLAYERS:
        if shutil.which(name):
            return (name, *flags)
    return None


class Player:
    """Plays files; silent where there is no player."""

    def __init__(self) -> None:
        self._command = find_player()

    def play_uri(self, uri: str) -> bool:
        """Play the file of a file:// URI; return whether it is on this machine."""
        parts = urlsplit(uri)
        path = Path(unquote(parts.path))
        if parts.scheme != "file" or not path.is_file():
            return False
        self._run(path)
        return True

    def play(self, content: bytes) -> None:
        """Play the bytes of a file."""
        with tempfile.NamedTemporaryFile(suffix=".audio") as file:
            file.write(content)
            file.flush()
            self._run(Path(file.name))

    def _run(self, path: Path) -> None:
        if self._command is not None:
            subprocess.run(  # noqa: S603 - the command is from the list above
                [*self._command, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LONGEST_S,
                check=False,
            )
