"""A recording that is decoded in another process, block by block."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Any

import numpy as np

from aloe.audio.arrays import Float32Array
from aloe.audio.decoder import Stretch
from aloe.audio.errors import BadAudio, BrokenOff
from aloe.audio.process import Answer
from aloe.audio.worker import unpacked
from aloe.values.audio import NOTHING_FOUND, AudioReport

_SAMPLE_BYTES = 4


class IsolatedStream:
    """What `decoder.Stream` is, in a process of its own."""

    def __init__(
        self,
        answers: Callable[[Callable[[], dict[str, Any]]], Generator[Answer]],
        job: dict[str, Any],
        stretch: Stretch,
    ) -> None:
        """Open a recording. Raises BadAudio.

        Args:
            answers: yields what is answered to a job, which it asks for again where a process dies.
            job: how the recording is read.
            stretch: what is read of it.
        """
        self._job = {**job, "kind": "stream", "stretch": asdict(stretch)}
        self.frame_count = stretch.first
        """How far it was read."""
        self._answers = answers(self._rest)
        opened = next(self._answers)[0]["opened"]
        self.sample_rate_hz: int = opened["sample_rate_hz"]
        self.channel_count: int = opened["channel_count"]
        self.channel: int = opened["channel"]
        self.decoded_from: int = opened["decoded_from"]
        self.promised_frame_count: int | None = opened["promised_frame_count"]
        self.report: AudioReport = NOTHING_FOUND

    def blocks(self) -> Iterator[Float32Array]:
        """Do what `decoder.Stream.blocks` does, with BrokenOff as the error."""
        try:
            with closing(self._answers):
                yield from self._blocks()
        except BrokenOff:
            raise
        except BadAudio as error:
            raise self._broken_off(str(error)) from error

    def close(self) -> None:
        """Give the process back, or end it where it was not read to the end."""
        self._answers.close()

    def _blocks(self) -> Iterator[Float32Array]:
        end: dict[str, Any] = {}
        for head, data in self._answers:
            end = head
            if data:
                self.frame_count += len(data) // _SAMPLE_BYTES
                yield np.frombuffer(data, np.float32)
        if "broken_off" in end:
            why, self.frame_count, self.promised_frame_count = end["broken_off"]
            raise self._broken_off(why)
        self.report = unpacked(end["report"])

    def _rest(self) -> dict[str, Any]:
        return {**self._job, "known_frame_count": self.frame_count}

    def _broken_off(self, why: str) -> BrokenOff:
        return BrokenOff(why, self.frame_count, self.sample_rate_hz, self.promised_frame_count)
