"""Another decoder's word on how long a file is, in a process that may die of it."""

import io
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

_BLOCK_FRAMES = 1 << 16


class SecondDecoder:
    """libsndfile's word, or FFmpeg's where libsndfile does not know the container."""

    def __init__(self) -> None:
        self.death_count = 0
        self._pool = self._new_pool()

    def duration_s(self, content: bytes) -> float | None:
        """Return how much can be heard of a file by simply reading on; None if nothing can."""
        try:
            return self._pool.submit(_duration_s, content).result()
        except BrokenProcessPool:
            self.death_count += 1
            self._pool = self._new_pool()
            return None

    def close(self) -> None:
        self._pool.shutdown()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _be_silent)


def _be_silent() -> None:
    """Keep what mpg123 says of each file off the terminal."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _duration_s(content: bytes) -> float | None:
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            frame_count = 0
            try:
                while len(block := file.read(_BLOCK_FRAMES)):
                    frame_count += len(block)
            except (soundfile.LibsndfileError, RuntimeError):
                pass
            return frame_count / int(file.samplerate)
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError, OSError):
        return _duration_by_ffmpeg(content)


def _duration_by_ffmpeg(content: bytes) -> float | None:
    import av

    av.logging.set_level(av.logging.PANIC)
    seconds = 0.0
    try:
        with av.open(io.BytesIO(content), metadata_errors="ignore") as container:
            for packet in container.demux(container.streams.audio[0]):
                try:
                    for frame in packet.decode():
                        seconds += frame.samples / frame.sample_rate
                except av.FFmpegError:
                    continue
    except (av.FFmpegError, ValueError, IndexError, OSError):
        return seconds or None
    return seconds
