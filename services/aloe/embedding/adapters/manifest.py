"""The manifest: a TOML file that lists the encoders of one server, the default one first.

[[encoder]]
location = "logmel"

[[encoder]]
location = "models/yamnet"        # beside the manifest
encoder_id = "yamnet"             # optional, as are the next two
length_policy = "grid(15600,7680)"
load = "lazy"                     # when it is first asked for; by default at the "start"
"""

import tomllib
from pathlib import Path
from typing import Any

from aloe.embedding.adapters.loading import EncoderSource
from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.domain.length_policy import parse_length_policy

_KEYS = {"location", "encoder_id", "length_policy", "load"}
_LAZY = {"start": False, "lazy": True}


def read_manifest(path: Path, *, max_clip_s: float, preprocessing: str) -> list[EncoderSource]:
    """Read which encoders to load.

    Raises:
        ConfigurationError: the file cannot be read, or an entry is wrong.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("encoder", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"the manifest {path} cannot be read: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise ConfigurationError(f"the manifest {path} lists no encoder: add an [[encoder]] table")
    return [
        _source(
            entry, f"[[encoder]] number {number} of {path}", path.parent, max_clip_s, preprocessing
        )
        for number, entry in enumerate(entries, start=1)
    ]


def _source(
    entry: dict[str, Any], where: str, folder: Path, max_clip_s: float, preprocessing: str
) -> EncoderSource:
    for key, value in entry.items():
        if key not in _KEYS:
            raise ConfigurationError(f"{where}: {key!r} is none of {', '.join(sorted(_KEYS))}")
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{where}: {key} is {value!r}; give a text")
    if "location" not in entry:
        raise ConfigurationError(f"{where}: location is missing; give a name, folder or URL")
    if entry.get("load", "start") not in _LAZY:
        raise ConfigurationError(f"{where}: load is {entry['load']!r}; give {' or '.join(_LAZY)}")
    location = entry["location"]
    beside = folder / location
    policy = entry.get("length_policy")
    try:
        return EncoderSource(
            str(beside) if beside.is_dir() else location,
            max_clip_s=max_clip_s,
            encoder_id=entry.get("encoder_id", ""),
            length_policy=parse_length_policy(policy) if policy else None,
            preprocessing=preprocessing,
            is_lazy=_LAZY[entry.get("load", "start")],
        )
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from error
