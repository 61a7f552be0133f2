"""Keeps recordings by content hash in a folder or bucket, through fsspec."""

import asyncio
import io
import uuid

import fsspec
import numpy as np
import soundfile

from aloe.learner.domain.errors import AudioNotFound, InvalidInput
from aloe.learner.domain.pool import Audio, EncodedAudio, PcmAudio
from aloe.learner.ports import AudioFile

MAX_READ_BYTES = 64 * 1024 * 1024
_MEDIA_TYPES = {
    "WAV": "audio/wav",
    "FLAC": "audio/flac",
    "OGG": "audio/ogg",
    "MP3": "audio/mpeg",
}
_DTYPES: dict[str, np.dtype[np.int16] | np.dtype[np.float32]] = {
    "int16": np.dtype("<i2"),
    "float32": np.dtype("<f4"),
}


class AudioFolder:
    """An AudioStore in a folder, or at any URL that fsspec knows.

    Only URIs that begin with one of the allowed prefixes are read: callers must not be able to make
    the server read any file they like.
    """

    def __init__(self, root: str, allowed_uri_prefixes: tuple[str, ...] = ()) -> None:
        self._root = root.rstrip("/")
        # With a slash: allowing /data must not allow /database.
        self._allowed = tuple(prefix.rstrip("/") + "/" for prefix in allowed_uri_prefixes)

    async def keep(self, audio: Audio, content_hash: str) -> str:
        content = audio.content if isinstance(audio, EncodedAudio) else _as_wav(audio)
        await asyncio.to_thread(self._write, content_hash, content)
        return content_hash

    async def read(self, key: str) -> AudioFile:
        return await asyncio.to_thread(_read, self._place(key))

    async def read_uri(self, uri: str) -> AudioFile:
        if ".." in uri.split("/") or not uri.startswith(self._allowed or ("\0",)):
            allowed = ", ".join(self._allowed) or "none"
            raise AudioNotFound(
                f"this server may not read {uri!r}; allowed prefixes: {allowed}. Send the audio, or"
                " let the operator allow its place"
            )
        return await asyncio.to_thread(_read, uri)

    def _place(self, key: str) -> str:
        return f"{self._root}/{key[:2]}/{key}"

    def _write(self, key: str, content: bytes) -> None:
        place = self._place(key)
        filesystem, path = fsspec.core.url_to_fs(place)
        if not filesystem.exists(path):
            filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            # A temporary name for each writer: two imports may keep the same recording at once.
            part = f".{uuid.uuid4().hex}.part"
            with fsspec.open(place + part, "wb") as file:
                file.write(content)
            filesystem.mv(path + part, path)


def _read(place: str) -> AudioFile:
    try:
        with fsspec.open(place, "rb") as file:
            content: bytes = file.read(MAX_READ_BYTES + 1)
    except (OSError, ValueError, ImportError) as error:
        raise AudioNotFound(f"cannot read {place!r}: {error}") from error
    if len(content) > MAX_READ_BYTES:
        raise AudioNotFound(f"{place!r} is over {MAX_READ_BYTES:,} bytes")
    return AudioFile(content, _media_type(content))


def _media_type(content: bytes) -> str:
    try:
        file_format = soundfile.info(io.BytesIO(content)).format
    except soundfile.LibsndfileError:
        file_format = ""
    return _MEDIA_TYPES.get(file_format, "application/octet-stream")


def _as_wav(pcm: PcmAudio) -> bytes:
    dtype = _DTYPES.get(pcm.sample_format)
    if dtype is None or pcm.sample_rate_hz == 0:
        raise InvalidInput.of("audio.pcm", "the sample format and rate must be set")
    frame_bytes = dtype.itemsize * max(1, pcm.channel_count)
    if not pcm.samples or len(pcm.samples) % frame_bytes:
        raise InvalidInput.of(
            "audio.pcm.samples",
            f"{len(pcm.samples)} bytes; frames of {frame_bytes} bytes are needed, at least one",
        )
    samples = np.frombuffer(pcm.samples, dtype).reshape(-1, max(1, pcm.channel_count))
    subtype = "PCM_16" if pcm.sample_format == "int16" else "FLOAT"
    file = io.BytesIO()
    soundfile.write(file, samples, pcm.sample_rate_hz, subtype=subtype, format="WAV")
    return file.getvalue()
