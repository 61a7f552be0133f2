"""Recordings by URI: in places that the operator allows, and in files of this machine by hash."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from aloe.learner.adapters.audio.paths import leads_elsewhere
from aloe.learner.adapters.audio.reading import (
    MAX_FILE_BYTES,
    WrongPlace,
    checked_size,
    open_below,
    open_file,
    read_below,
    read_file,
    reason_of,
)
from aloe.learner.adapters.audio.recognizing import is_recording
from aloe.learner.adapters.audio.web import WEB_SCHEMES, WebPlace
from aloe.learner.domain.errors import AudioNotFound
from aloe.learner.domain.pool import Clip, EncodedAudio
from aloe.learner.domain.recordings import is_recording_of
from aloe.values.urls import shown

_FILE_SCHEMES = ("file://localhost/", "file:///")
_LOCAL = ("file", "local")
"""What fsspec calls the file system of this machine."""
_NESTED = {"blockcache", "cached", "dir", "filecache", "libarchive", "reference", "simplecache"} | {
    "data",
    "generic",
    "tar",
    "zip",
}
"""Those of fsspec that lie within another file system, or are none: no URL of one alone is read."""
_MOST_CHARACTERS = 4_096

_log = logging.getLogger(__name__)


class Places:
    """What may be read by URI.

    Callers must not be able to make the server read any file they like: without a hash that the
    bytes must have, only allowed places are read, and neither links, redirects nor spellings of a
    path lead out of them. Whatever is read must be a recording.

    Only the web has time limits here. A disk or bucket that hangs holds its thread: who calls has
    threads for that, and goes on without them (bulkheads).
    """

    def __init__(self, allowed_uri_prefixes: Sequence[str], *, hears_files: bool) -> None:
        """Take the allowed places; `hears_files` opens all files to `read_recording`.

        Raises:
            WrongPlace: one of them is no place, has a login, or needs a library that lacks.
        """
        self._shown = ", ".join(map(shown, allowed_uri_prefixes)) or "none"
        self._folders: list[str] = []
        self._webs: list[WebPlace] = []
        self._others: list[str] = []
        self._hears_files = hears_files
        for prefix in allowed_uri_prefixes:
            self._allow(prefix)

    def read(self, uri: str) -> bytes:
        """Return the recording at a URI in an allowed place. Raises AudioNotFound."""
        content = self._read(uri)
        _check_recording(uri, content)
        return content

    def read_recording(self, uri: str, clip: Clip) -> bytes:
        """Return the recording of a clip from a URI, if it still lies there. Raises AudioNotFound.

        Any file may be named here, if files are heard: what is given away has the hash of what was
        imported.
        """
        path = _local_path(uri) if self._hears_files else None
        content = self._read(uri) if path is None else read_file(Path(path))
        if not is_recording_of(clip, EncodedAudio(content)):
            raise AudioNotFound(
                f"{shown(uri)!r} is not the recording that the clip was imported from: it is"
                " another by now, or the clip came as an embedding without the content_hash of its"
                " recording"
            )
        _check_recording(uri, content)
        return content

    def open(self, uri: str) -> BinaryIO:
        """Open a file of this machine, of any length, that may be a recording whose hash is known.

        What is given away must have that hash: any file may be named here, if files are heard.

        Raises:
            AudioNotFound: there is none, or it may not be read; or it is elsewhere.
        """
        path = _local_path(uri)
        if path is None:
            raise AudioNotFound(f"{shown(uri)!r} is no file of this machine: send the recording")
        return open_file(Path(path)) if self._hears_files else self._open_file(uri, path)

    def _allow(self, prefix: str) -> None:
        scheme, separator, _ = prefix.partition("://")
        folder = _local_path(prefix)
        if folder is not None:
            self._folders.append(folder)
            if not Path(folder).is_dir():
                # It may come: a disk that is mounted later.
                _log.warning("no folder is at %s: nothing is read there until one is", prefix)
        elif scheme.lower() in WEB_SCHEMES:
            try:
                self._webs.append(WebPlace(prefix))
            except ValueError as error:
                raise WrongPlace(f"{shown(prefix)!r}: {error}") from None
        elif (
            separator
            and scheme not in {*_LOCAL, *_NESTED}
            and "::" not in prefix
            and "@" not in prefix
        ):
            self._others.append(_checked_prefix(prefix))
        else:
            raise WrongPlace(
                f"{shown(prefix)!r} is no place: give file:///FOLDER/, https://HOST/FOLDER/ or"
                " another URL of one file system, without a login in it"
            )

    def _read(self, uri: str) -> bytes:
        path = _local_path(uri)
        if path is not None:
            return self._read_file(uri, path)
        if len(uri) > _MOST_CHARACTERS:
            raise self._forbidden(uri)
        for web in self._webs:
            target = web.target_of(uri)
            if target is not None:
                return web.read(uri, target)
        return self._fetch(uri)

    def _read_file(self, uri: str, path: str) -> bytes:
        return read_below(*self._below(uri, path))

    def _open_file(self, uri: str, path: str) -> BinaryIO:
        return open_below(*self._below(uri, path))

    def _below(self, uri: str, path: str) -> tuple[str, str]:
        """Return the allowed folder that a file is in, and its path, both without links."""
        try:
            # A hint only: what is opened below the folder follows no link any more.
            real = os.path.realpath(path)
            folders = [os.path.realpath(folder) for folder in self._folders]
        except OSError as error:  # a link that was there a moment ago
            raise AudioNotFound(f"{uri!r} cannot be read: {reason_of(error)}") from error
        for folder in folders:
            if os.path.commonpath([real, folder]) == folder:
                return folder, real
        written = os.path.normpath(path)
        for folder in (*map(os.path.normpath, self._folders), *folders):
            if os.path.commonpath([written, folder]) == folder:
                raise AudioNotFound(
                    f"this server may not read {shown(uri)!r}: it is, or passes through, a link to"
                    " outside of the allowed places. Send the audio, or name what the link leads to"
                )
        raise self._forbidden(uri)

    def _fetch(self, uri: str) -> bytes:
        prefix = next((each for each in self._others if uri.startswith(each)), None)
        # fsspec takes "::" for one file system within another.
        if prefix is None or "::" in uri or leads_elsewhere(uri[len(prefix) :]):
            raise self._forbidden(uri)
        try:
            filesystem, path = url_to_fs(uri)
            _, root = url_to_fs(prefix)
            is_below = path.startswith(root.rstrip("/") + "/")
            if is_below and not isinstance(filesystem, LocalFileSystem):
                with filesystem.open(path, "rb") as file:
                    content: bytes = file.read(MAX_FILE_BYTES + 1)
                return checked_size(shown(uri), content)
        except Exception as error:  # each file system has its own
            raise AudioNotFound(f"{shown(uri)!r} cannot be read: {reason_of(error)}") from error
        raise self._forbidden(uri)

    def _forbidden(self, uri: str) -> AudioNotFound:
        return AudioNotFound(
            f"this server may not read {shown(uri)[:_MOST_CHARACTERS]!r}; allowed places:"
            f" {self._shown}. Send the audio, or let the operator allow its place"
        )


def _check_recording(uri: str, content: bytes) -> None:
    if not is_recording(content):
        raise AudioNotFound(f"{shown(uri)!r} is no recording: its bytes are of no audio file")


def _checked_prefix(prefix: str) -> str:
    """Return a prefix that ends with a slash: allowing bucket/a must not allow bucket/ab."""
    try:
        fsspec.get_filesystem_class(prefix.partition("://")[0])
    except (ImportError, ValueError) as error:
        raise WrongPlace(f"{shown(prefix)!r}: {reason_of(error)}") from error
    return prefix.rstrip("/") + "/"


def _local_path(uri: str) -> str | None:
    """Return the path of a URI or path of this machine; None of another URI, or if it is none."""
    scheme = next((each for each in _FILE_SCHEMES if uri.startswith(each)), "/")
    if not uri.startswith(scheme) or len(uri) > _MOST_CHARACTERS:
        return None
    path = os.fsdecode(unquote_to_bytes(uri[len(scheme) - 1 :])) if scheme != "/" else uri
    return None if "\0" in path or ".." in path.split("/") else path
