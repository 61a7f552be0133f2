"""Clips of a pool as Redis has them, in memory."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate

from aloe.learner.adapters.redis.codec import UNREADABLE, load_clip
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.pool import Clip


class StoredClips:
    """Clips as codec.dump_clips wrote them, each read when it is asked for.

    Most clips of a large pool never are. As one text they take a quarter of the memory, and the
    garbage collector need not look at them.
    """

    def __init__(self, texts: Sequence[bytes], key: str = "") -> None:
        """Take texts and the key that they were read from. Reading one may raise StoreDamaged."""
        self._text, self._key = b"".join(texts), key
        self._ends = array("I", accumulate(map(len, texts), initial=0))
        """Of each text, with a 0 in front."""

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[Clip]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, place: int) -> Clip:
        text = self._text_at(place)
        try:
            return load_clip(text)
        except UNREADABLE as error:
            raise StoreDamaged(self._key, f"no clip: {text[:80]!r}") from error

    def clip_ids(self, places: Sequence[int]) -> list[str]:
        """Return the ids of some clips without reading the rest: of each text the first string."""
        texts = (self._text[self._ends[place] : self._ends[place + 1]] for place in places)
        with suppress(*UNREADABLE):
            parts = [clip_id for _, clip_id, _ in (text.split(b'"', 2) for text in texts)]
            ids = b'"'.join(parts).decode()
            if parts and "\\" not in ids:  # An escape may be that of a quote.
                return ids.split('"')
        return [self[place].clip_id for place in places]

    def content_hash(self, place: int) -> str:
        """Return a clip's content hash without reading the rest."""
        parts = self._text_at(place).split(b'"', 4)
        if len(parts) < 5:
            return self[place].content_hash
        _, clip_id, _, content_hash, _ = parts
        if b"\\" in clip_id or b"\\" in content_hash:  # An escape may be that of a quote.
            return self[place].content_hash
        try:
            return content_hash.decode()
        except UNREADABLE as error:
            raise StoreDamaged(self._key, f"no clip: {self._text_at(place)[:80]!r}") from error

    def _text_at(self, place: int) -> bytes:
        if place < 0:
            raise IndexError(place)
        return self._text[self._ends[place] : self._ends[place + 1]]
