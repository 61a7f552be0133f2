"""What a file holds, read where it is asked for: a recording may be longer than memory."""

import io
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

CHUNK_BYTES = 1 << 20
_KEPT_CHUNKS = 8
"""At the begin and the end, where headers and indexes are, and around what is being read."""


class Content(Protocol):
    """The bytes of a file; `bytes` are some."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...
    def find(self, wanted: bytes, start: int = 0, end: int | None = None, /) -> int: ...
    def rfind(self, wanted: bytes, start: int = 0, end: int | None = None, /) -> int: ...


class Slices(ABC):
    """What can be searched as `bytes` are, given its length and slices of it."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many bytes there are."""

    @abstractmethod
    def __getitem__(self, part: slice, /) -> bytes:
        """Return some of them; fewer where the file got shorter."""

    def find(self, wanted: bytes, start: int = 0, end: int | None = None, /) -> int:
        """Return where something begins first; -1 if it is nowhere."""
        while True:
            last = len(self) if end is None else min(end, len(self))
            if start + len(wanted) > last:
                return -1
            piece = self[start : min(last, start + CHUNK_BYTES + len(wanted) - 1)]
            place = piece.find(wanted)
            if place >= 0:
                return start + place
            if len(piece) < len(wanted):  # the file got shorter
                return -1
            start += len(piece) - len(wanted) + 1

    def rfind(self, wanted: bytes, start: int = 0, end: int | None = None, /) -> int:
        """Return where something begins last; -1 if it is nowhere."""
        last = len(self) if end is None else min(end, len(self))
        while last - start >= len(wanted):
            first = max(start, last - CHUNK_BYTES - len(wanted) + 1)
            place = self[first:last].rfind(wanted)
            if place >= 0:
                return first + place
            last = first + len(wanted) - 1
        return -1


class Chunks(Slices):
    """A file of any length, of which a few chunks are kept in memory."""

    def __init__(
        self,
        size: int,
        fetch: Callable[[int, int], bytes],
        first: bytes = b"",
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        """Take a file.

        Args:
            size: its length.
            fetch: reads so many bytes at a place, or fewer where the file has become shorter.
            first: the first chunk, where it is known.
            chunk_bytes: how much is fetched at a time.
        """
        self._size, self._fetch, self._chunk_bytes = size, fetch, chunk_bytes
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        if first:
            self._kept[0] = first

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        first, last, _ = part.indices(self._size)
        pieces: list[bytes] = []
        while first < last:
            number, begin = divmod(first, self._chunk_bytes)
            chunk = self._chunk(number)
            piece = chunk[begin : begin + last - first]
            pieces.append(piece)
            first += len(piece)
            if len(chunk) < self._chunk_bytes:
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _chunk(self, number: int) -> bytes:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        begin = number * self._chunk_bytes
        chunk = self._fetch(begin, min(self._chunk_bytes, self._size - begin))
        self._kept[number] = chunk
        if len(self._kept) > _KEPT_CHUNKS:
            self._kept.popitem(last=False)
        return chunk


class Beginning(Slices):
    """A content up to a place, as without the tags at its end."""

    def __init__(self, content: Content, size: int) -> None:
        self._content, self._size = content, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        first, last, _ = part.indices(self._size)
        return self._content[first:last]


class ContentFile(io.RawIOBase):
    """A content as a file, for decoders that read one."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self._content, self._place = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        last = len(self._content) if size < 0 else self._place + size
        data = self._content[self._place : last]
        self._place += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go somewhere. Damaged audio makes decoders seek to before the start: no error."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: len(self._content)}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place


Recording = bytes | Path | BinaryIO
"""A recording's content, or the file that holds it, which can be read anywhere."""


@contextmanager
def opened(recording: Recording) -> Iterator[Content]:
    """Open a recording where it has to be opened. Raises OSError."""
    if isinstance(recording, bytes):
        yield recording
    elif isinstance(recording, Path):
        with recording.open("rb", buffering=0) as file:
            yield _of_file(file)
    else:
        yield _of_file(recording)


def _of_file(file: BinaryIO | io.FileIO) -> Chunks:
    def fetch(begin: int, size: int) -> bytes:
        file.seek(begin)
        pieces: list[bytes] = []
        while size > 0 and (piece := file.read(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    return Chunks(file.seek(0, io.SEEK_END), fetch)
