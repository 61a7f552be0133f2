"""Recordings by URI: in places that the operator allows, and in files of this machine by hash."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

import fsspec

from aloe.learner.adapters.audio.reading import (
    MAX_FILE_BYTES,
    checked_size,
    read_file,
    reason_of,
)
from aloe.learner.domain.errors import AudioNotFound
from aloe.learner.domain.pool import Clip, EncodedAudio
from aloe.learner.domain.recordings import is_recording_of

_FILE_SCHEMES = ("file://localhost/", "file:///")
_LOCAL = ("file", "local")
"""What fsspec calls the file system of this machine."""


class Places:
    """What may be read by URI.

    Callers must not be able to make the server read any file they like: without a hash that the
    bytes must have, only allowed places are read, and links do not lead out of them.
    """

    def __init__(self, allowed_uri_prefixes: Sequence[str], *, hears_files: bool) -> None:
        """Take the allowed places; `hears_files` opens all files to `read_recording`."""
        # With a slash: allowing /data must not allow /database.
        self._allowed = tuple(prefix.rstrip("/") + "/" for prefix in allowed_uri_prefixes)
        self._folders = tuple(
            os.path.realpath(folder) for each in self._allowed if (folder := _local_path(each))
        )
        self._hears_files = hears_files

    def read(self, uri: str) -> bytes:
        """Return what lies at a URI in an allowed place. Raises AudioNotFound."""
        path = _local_path(uri)
        if path is None:
            return self._fetch(uri)
        real = os.path.realpath(path)
        if not any(_is_inside(real, folder) for folder in self._folders):
            raise self._forbidden(uri)
        return read_file(Path(real))

    def read_recording(self, uri: str, clip: Clip) -> bytes:
        """Return the recording of a clip from a URI, if it still lies there. Raises AudioNotFound.

        Any file may be named here, if files are heard: what is given away has the hash of what was
        imported.
        """
        path = _local_path(uri) if self._hears_files else None
        content = self.read(uri) if path is None else read_file(Path(path))
        if not is_recording_of(clip, EncodedAudio(content)):
            raise AudioNotFound(
                f"{uri!r} is not the recording that the clip was imported from: it is another by"
                " now, or the clip came as an embedding without the content_hash of its recording"
            )
        return content

    def _fetch(self, uri: str) -> bytes:
        scheme, _, rest = uri.partition("://")
        is_local = not rest or scheme.lower() in _LOCAL
        # fsspec takes "::" for one file system within another.
        leaves = "::" in uri or ".." in unquote(uri).split("/")
        if is_local or leaves or not uri.startswith(self._allowed or ("\0",)):
            raise self._forbidden(uri)
        try:
            with fsspec.open(uri, "rb") as file:
                content: bytes = file.read(MAX_FILE_BYTES + 1)
        except Exception as error:  # each file system has its own
            raise AudioNotFound(f"{uri!r} cannot be read: {reason_of(error)}") from error
        return checked_size(uri, content)

    def _forbidden(self, uri: str) -> AudioNotFound:
        allowed = ", ".join(self._allowed) or "none"
        return AudioNotFound(
            f"this server may not read {uri!r}; allowed places: {allowed}. Send the audio, or let"
            " the operator allow its place"
        )


def _local_path(uri: str) -> str | None:
    """Return the path of a URI or path of this machine; None of another URI, or if it is none."""
    scheme = next((each for each in _FILE_SCHEMES if uri.startswith(each)), "/")
    if not uri.startswith(scheme):
        return None
    path = os.fsdecode(unquote_to_bytes(uri[len(scheme) - 1 :])) if scheme != "/" else uri
    return None if "\0" in path or ".." in path.split("/") else path


def _is_inside(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
