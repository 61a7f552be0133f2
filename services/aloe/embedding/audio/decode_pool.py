"""Decodes clips on threads, and on the event loop itself those that take microseconds."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from aloe.embedding.audio.clip import Audio, DecodedClip
from aloe.embedding.audio.decoder import AudioDecoder
from aloe.embedding.domain.errors import InvalidAudio

# Clips per job of a thread.
_SLICE = 8
# The most that one call decodes on the event loop: about a millisecond of its time.
_QUICK_BYTES = 1 << 20


class DecodePool:
    """One encoder's decoder on threads that all encoders share. For one event loop."""

    def __init__(self, decoder: AudioDecoder, threads: ThreadPoolExecutor) -> None:
        self._decoder = decoder
        self._threads = threads

    async def decode(self, audios: Sequence[Audio]) -> list[DecodedClip | InvalidAudio]:
        """Decode every clip, or say what is wrong with it, in the order of the clips."""
        byte_count = sum(audio.byte_count for audio in audios)
        if byte_count <= _QUICK_BYTES and all(map(self._decoder.is_quick, audios)):
            return self._decode_slice(audios)
        loop = asyncio.get_running_loop()
        slices = await asyncio.gather(
            *(
                loop.run_in_executor(
                    self._threads, self._decode_slice, audios[start : start + _SLICE]
                )
                for start in range(0, len(audios), _SLICE)
            )
        )
        return [clip for part in slices for clip in part]

    def _decode_slice(self, audios: Sequence[Audio]) -> list[DecodedClip | InvalidAudio]:
        return [self._decode_one(audio) for audio in audios]

    def _decode_one(self, audio: Audio) -> DecodedClip | InvalidAudio:
        try:
            return self._decoder.decode(audio)
        except InvalidAudio as error:
            return error
