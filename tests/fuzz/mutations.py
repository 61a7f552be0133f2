"""What happens to files: cut, joined, holed, overwritten, mixed up."""

import random
from collections.abc import Callable

_HEADER_BYTES = 64


def mutated(rng: random.Random, originals: list[bytes]) -> bytes:
    """Return one of some files of a kind after one to three accidents."""
    content = rng.choice(originals)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = rng.choice(_ACCIDENTS)(rng, content, originals)
    return content


def _cut(rng: random.Random, content: bytes, _: list[bytes]) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _without_begin(rng: random.Random, content: bytes, _: list[bytes]) -> bytes:
    return content[rng.randrange(1 + min(len(content), 4_096)) :]


def _joined(rng: random.Random, content: bytes, originals: list[bytes]) -> bytes:
    return content + rng.choice(originals)


def _holed(rng: random.Random, content: bytes, _: list[bytes]) -> bytes:
    begin = rng.randrange(len(content) + 1)
    return content[:begin] + content[begin + rng.randrange(1, 2_000) :]


def _flipped(rng: random.Random, content: bytes, _originals: list[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 20) if changed else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _header_changed(rng: random.Random, content: bytes, _originals: list[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 5) if changed else 0):
        value = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        changed[rng.randrange(min(_HEADER_BYTES, len(changed)))] = value
    return bytes(changed)


def _overwritten(rng: random.Random, content: bytes, _: list[bytes]) -> bytes:
    begin = rng.randrange(len(content) + 1)
    length = min(rng.randrange(1, 1_000), len(content) - begin)
    filling = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return content[:begin] + filling + content[begin + length :]


def _inserted(rng: random.Random, content: bytes, _: list[bytes]) -> bytes:
    begin = rng.randrange(len(content) + 1)
    return content[:begin] + rng.randbytes(rng.randrange(1, 500)) + content[begin:]


def _repeated(rng: random.Random, content: bytes, _: list[bytes]) -> bytes:
    begin = rng.randrange(len(content) + 1)
    end = min(len(content), begin + rng.randrange(1, 4_000))
    return content[:end] + content[begin:end] + content[end:]


_ACCIDENTS: tuple[Callable[[random.Random, bytes, list[bytes]], bytes], ...] = (
    _cut,
    _without_begin,
    _joined,
    _holed,
    _flipped,
    _header_changed,
    _overwritten,
    _inserted,
    _repeated,
)
