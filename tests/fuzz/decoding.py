"""`python -m tests.fuzz.decoding --files 100000 --json`: damaged files against the real service.

Files of nine kinds are cut, joined, holed and overwritten, and sent to an embedding service. Each
may cost its clip, never the service; what is taken without a warning must be as long as a second
decoder says; and as a stream each must give the samples that it gives whole, up to the place where
it breaks off. Exit code 1 if one of these promises was broken.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr  # type: ignore[import-untyped]
from tests.audio_files import made, speechlike
from tests.fuzz.memory import resident_mib
from tests.fuzz.mutations import mutated
from tests.fuzz.second_decoder import SecondDecoder
from tests.fuzz.streams import StreamCheck

from aloe.client import (
    AloeError,
    AudioProblem,
    Decoding,
    EmbeddedClip,
    Recording,
    connect_embedding,
)
from aloe.local import LocalStack, StackOptions

KINDS = ("wav", "flac", "mp3", "ogg", "opus", "m4a", "aac", "webm", "wma")
SPEECH = Path(__file__).parents[3] / "shared" / "data" / "fsdd" / "recordings"
SPEECH_RATE_HZ = 8_000
RATE_HZ = 16_000
EXACT_S, LOSSY_S = 0.002, 0.15
"""How far two decoders may be apart: a codec's delay at either end, where one of them cuts it, or
the header of a joined file, where one of them takes it for sound."""
_ORIGINALS = 12
_SHOWN = 20
_PATIENCE = timedelta(seconds=20)
_DAMAGES = (AudioProblem.CUT_OFF, AudioProblem.DAMAGED)


@dataclass(slots=True)
class Outcome:
    """What became of the files."""

    taken: int = 0
    warned: int = 0
    refused: int = 0
    silent_short: list[str] = field(default_factory=list)
    streamed_otherwise: list[str] = field(default_factory=list)
    decoder_deaths: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def main() -> int:
    """Send damaged files and print what became of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.decoding", description=__doc__)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0, help="fixes the files")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    arguments = parser.parse_args()
    report = fuzz(arguments.files, arguments.seed)
    if arguments.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        sys.stdout.writelines(f"{name:22} {value}\n" for name, value in report.items())
    broken = ("service_deaths", "silent_short", "streamed_otherwise")
    return int(any(report[promise] for promise in broken))


def fuzz(file_count: int, seed: int) -> dict[str, Any]:
    """Send damaged files to a service; return the figures."""
    outcome, second, streams = Outcome(), SecondDecoder(), StreamCheck()
    contents: dict[str, bytes] = {}
    with LocalStack(StackOptions(learner_count=0)) as stack:
        pid = stack.pids["the embedding service"]
        memory_mib: list[float] = []
        began = time.perf_counter()
        try:
            with connect_embedding(stack.embedding_address) as client:
                clips = _clips(file_count, seed, contents)
                for number, clip in enumerate(client.embed_stream(clips, timeout=_PATIENCE)):
                    content = contents.pop(clip.key)
                    _judge(clip, content, outcome, second)
                    if fault := streams.fault(content):
                        outcome.streamed_otherwise.append(f"{clip.key}: {fault}")
                    if number % max(1, file_count // 10) == 0:
                        memory_mib.append(resident_mib(pid))
            is_alive = stack.pids["the embedding service"] == pid
        except AloeError as error:
            sys.stderr.write(f"the service failed: {error}\n")
            is_alive = False
        elapsed_s = time.perf_counter() - began
        memory_mib.append(resident_mib(pid))
    second.close()
    streams.close()
    for line in (outcome.silent_short + outcome.streamed_otherwise)[:_SHOWN]:
        sys.stderr.write(f"{line}\n")
    early = memory_mib[min(1, len(memory_mib) - 1)]
    return {
        "files": file_count,
        "seed": seed,
        "service_deaths": int(not is_alive),
        "silent_short": len(outcome.silent_short),
        "streamed_otherwise": len(outcome.streamed_otherwise),
        "streams_broken_off": streams.broken_off,
        "taken": outcome.taken,
        "taken_with_a_warning": outcome.warned,
        "refused": outcome.refused,
        "decoder_deaths": outcome.decoder_deaths,
        "second_decoder_deaths": second.death_count,
        "memory_mib": round(memory_mib[-1]),
        "memory_growth_mib": round(memory_mib[-1] - early),
        "files_per_s": round(file_count / elapsed_s, 1),
        "reasons": dict(outcome.reasons.most_common(12)),
    }


def _clips(
    file_count: int, seed: int, contents: dict[str, bytes]
) -> Iterator[tuple[str, Recording]]:
    rng = random.Random(seed)
    originals = {kind: list(_originals(kind, rng)) for kind in KINDS}
    for number in range(file_count):
        kind = KINDS[number % len(KINDS)]
        key = f"{kind}-{number}"
        contents[key] = mutated(rng, originals[kind])
        yield key, Recording(contents[key], Decoding(accept_damaged=rng.random() < 0.5))


def _originals(kind: str, rng: random.Random) -> Iterator[bytes]:
    """Yield whole files: of real speech where it is there."""
    speech = sorted(SPEECH.glob("*.wav"))
    for number in range(_ORIGINALS):
        if speech:
            words = [soundfile.read(path, dtype="float32")[0] for path in rng.sample(speech, 4)]
            samples = soxr.resample(np.concatenate(words), SPEECH_RATE_HZ, RATE_HZ).clip(-1, 1)
        else:
            samples = speechlike(rng.uniform(1.0, 3.0), RATE_HZ, seed=number)
        yield made(kind, samples, RATE_HZ)


def _judge(clip: EmbeddedClip, content: bytes, outcome: Outcome, second: SecondDecoder) -> None:
    if clip.failure:
        outcome.refused += 1
        outcome.reasons[_kind_of(clip.failure.violations[0].description)] += 1
        if "its decoder " in clip.failure.message:
            outcome.decoder_deaths += 1
            sys.stderr.write(f"{clip.key}: {clip.failure.message}\n")
        return
    outcome.taken += 1
    assert clip.duration is not None
    if any(warning.problem in _DAMAGES for warning in clip.report.warnings):
        outcome.warned += 1
        return
    duration_s, expected_s = clip.duration.total_seconds(), second.duration_s(content)
    slack_s = EXACT_S if clip.key.startswith(("wav", "flac")) else LOSSY_S
    if expected_s is not None and duration_s + slack_s < expected_s:
        outcome.silent_short.append(f"{clip.key}: {duration_s:.3f} s of {expected_s:.3f} s")


def _kind_of(message: str) -> str:
    """Return a message without its figures."""
    return "".join("#" if each.isdigit() else each for each in message).split(":")[0][:60]


if __name__ == "__main__":
    sys.exit(main())
