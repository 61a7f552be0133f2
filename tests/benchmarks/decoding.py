"""`python -m tests.benchmarks.decoding --json`: clips decoded and imported per second.

Clips of a second, as WAV, FLAC, MP3, Opus and M4A. Decoding is measured beside what reads a file
without looking for what it lacks: libsndfile in threads of the service, as earlier versions did
(it knows no M4A). Import goes through both services with the encoder logmel.
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO

import soundfile
import soxr  # type: ignore[import-untyped]
from tests.audio_files import made, speechlike
from tests.benchmarks.measuring import in_turns, machine, median_ratio, seconds

from aloe.audio.cost import Cost
from aloe.audio.isolation import IsolatedDecoder
from aloe.client import NewClip, connect
from aloe.embedding.audio.clip import DecodedClip, EncodedAudio
from aloe.embedding.audio.decode_pool import DecodePool
from aloe.embedding.audio.decoder import AudioDecoder
from aloe.local import LocalStack, StackOptions

KINDS = ("wav", "flac", "mp3", "opus", "m4a")
RATE_HZ, THREAD_COUNT, MAX_CLIP_S = 16_000, 2, 60.0
CALL_CLIP_COUNT = 64


@dataclass(frozen=True, slots=True)
class PlainDecoder:
    """Reads what libsndfile makes of a file."""

    def is_quick(self, audio: EncodedAudio) -> bool:
        return False

    def cost(self, audio: EncodedAudio) -> Cost:
        return Cost(RATE_HZ, 0, 0)

    def decode(self, audio: EncodedAudio, is_wanted: Callable[[], bool]) -> DecodedClip:
        with soundfile.SoundFile(BytesIO(audio.content)) as file:
            samples = file.read(dtype="float32", always_2d=True)[:, 0]
            rate_hz = file.samplerate
        duration_s = len(samples) / rate_hz
        if rate_hz != RATE_HZ:
            samples = soxr.resample(samples, rate_hz, RATE_HZ)
        return DecodedClip(samples, duration_s)


def clips_of(kind: str, count: int) -> list[bytes]:
    """Make clips of a second, no two alike."""
    return [made(kind, speechlike(1.0, seed=number)) for number in range(count)]


def decode_all(pool: DecodePool, clips: Sequence[EncodedAudio]) -> None:
    async def run() -> None:
        for begin in range(0, len(clips), CALL_CLIP_COUNT):
            part = clips[begin : begin + CALL_CLIP_COUNT]
            for clip in await pool.decode(part, pool.costs(part)):
                assert isinstance(clip, DecodedClip), clip

    asyncio.run(run())


def measure_decoding(clips: Sequence[bytes], kind: str, repeats: int) -> dict[str, float | None]:
    """Return clips/s of the service's decoder, and over those of plain libsndfile."""
    audios = [EncodedAudio(content) for content in clips]
    with ThreadPoolExecutor(THREAD_COUNT) as threads, IsolatedDecoder(THREAD_COUNT) as files:
        files.start()
        ours = DecodePool(AudioDecoder(RATE_HZ, MAX_CLIP_S, files), threads)
        plain = DecodePool(PlainDecoder(), threads)  # type: ignore[arg-type]
        works = [lambda: decode_all(ours, audios)]
        if kind != "m4a":
            works.append(lambda: decode_all(plain, audios))
        taken = in_turns(repeats, *works)
    return {
        "decoded_per_s": round(len(clips) / statistics.median(taken[0])),
        "over_libsndfile": round(1 / median_ratio(*taken), 2) if len(taken) == 2 else None,
    }


def measure_import(clips: Sequence[bytes], address: str, pool_id: str) -> float:
    """Return clips/s of an import through both services."""
    with connect(address) as learner:
        learner.create_pool(pool_id)
        new = [NewClip(f"c{number}", content) for number, content in enumerate(clips)]
        elapsed_s = seconds(lambda: learner.import_clips(pool_id, new))
        assert learner.get_pool(pool_id).clip_count == len(clips)
        learner.delete_pool(pool_id)
    return len(clips) / elapsed_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=int, default=400, help="of each kind")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")
    arguments = parser.parse_args()
    figures = {}
    with LocalStack(StackOptions(embedding_flags=("--cache-mb", "0"))) as stack:
        for kind in KINDS:
            clips = clips_of(kind, arguments.clips)
            rates = [
                measure_import(clips, stack.learner_address, f"{kind}-{turn}")
                for turn in range(arguments.repeats + 1)
            ][1:]
            figures[kind] = {
                **measure_decoding(clips, kind, arguments.repeats),
                "imported_per_s": round(statistics.median(rates)),
            }
    if arguments.json:
        sys.stdout.write(json.dumps({"machine": machine(), **figures}) + "\n")
        return
    sys.stdout.write(f"{machine()}\n")
    for kind, each in figures.items():
        sys.stdout.write(f"{kind:5} {each}\n")


if __name__ == "__main__":
    main()
