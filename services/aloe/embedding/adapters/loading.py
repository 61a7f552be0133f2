"""From what the user calls an encoder to the loaded encoder."""

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import platformdirs

from aloe.embedding.adapters.known_encoders import KNOWN_ENCODERS, KnownEncoder
from aloe.embedding.adapters.logmel import LOGMEL, LogmelEncoder
from aloe.embedding.adapters.tensorflow_encoder import load_saved_model
from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.domain.length_policy import LengthPolicy
from aloe.embedding.ports.encoder import Encoder, LazyEncoder

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """Which encoder to load, and how."""

    location: str
    """`logmel`, a known name, a folder, a TF Hub handle or a URL."""
    max_clip_s: float
    encoder_id: str = ""
    """What it goes by; empty for a name made from the location."""
    length_policy: LengthPolicy | None = None
    """None for the encoder's own."""
    preprocessing: str = ""
    """What else is done to audio before it; part of the fingerprint."""
    is_lazy: bool = False
    """Whether to load it when it is first asked for, and not at the start."""

    @property
    def name(self) -> str:
        """What it goes by."""
        return self.encoder_id or _name(self.location)


def load_encoders(sources: Sequence[EncoderSource]) -> list[Encoder | LazyEncoder]:
    """Load several encoders, but the lazy ones.

    Raises:
        ConfigurationError: one cannot be loaded, or two have the same id.
    """
    names: set[str] = set()
    for source in sources:
        if source.name in names:
            raise ConfigurationError(
                f"two encoders are called {source.name!r}: give one another encoder_id"
            )
        names.add(source.name)
    return [
        LazyEncoder(source.name, source.max_clip_s, partial(load_encoder, source))
        if source.is_lazy
        else load_encoder(source)
        for source in sources
    ]


def load_encoder(source: EncoderSource) -> Encoder:
    """Load an encoder; takes seconds, and downloads where it must.

    Raises:
        ConfigurationError: it cannot be loaded.
    """
    if source.location == LOGMEL:
        return LogmelEncoder(
            source.name,
            max_clip_s=source.max_clip_s,
            length_policy=source.length_policy,
            preprocessing=source.preprocessing,
        )
    known = KNOWN_ENCODERS.get(source.location)
    folder = _folder(source.location, known)
    return load_saved_model(
        folder,
        source.name,
        max_clip_s=source.max_clip_s,
        length_policy=source.length_policy,
        stated_policy=known.length_policy if known else None,
        preprocessing=source.preprocessing,
    )


def _folder(location: str, known: KnownEncoder | None) -> Path:
    if known is None and "://" not in location:
        folder = Path(location).expanduser()
        if not folder.is_dir():
            raise ConfigurationError(
                f"there is no encoder {location!r}: it is no folder, and the known names are"
                f" {LOGMEL}, {', '.join(KNOWN_ENCODERS)}"
            )
        return folder
    if known and (kept := _kaggle_cache() / known.kaggle_handle).is_dir():
        return kept
    handle = known.handle if known else location
    # Its default is a temporary folder: a large encoder would have to be fetched again soon.
    os.environ.setdefault("TFHUB_CACHE_DIR", str(platformdirs.user_cache_path("aloe") / "encoders"))
    os.environ.setdefault("TFHUB_DOWNLOAD_PROGRESS", "1")
    try:
        # Imported only to download: it takes a second, and warns that it uses pkg_resources.
        with warnings.catch_warnings(action="ignore"):
            import tensorflow_hub

        _log.info("fetching %s", handle)
        return Path(tensorflow_hub.resolve(handle))
    except Exception as error:
        page = known.page if known else handle
        raise ConfigurationError(
            f"cannot fetch {handle} ({' '.join(str(error).split())[:200]}): download it from {page}"
            " where there is a network, unpack it and give its folder"
        ) from error


def _kaggle_cache() -> Path:
    """Return where kagglehub keeps models."""
    folder = os.environ.get("KAGGLEHUB_CACHE")
    return (Path(folder) if folder else Path.home() / ".cache" / "kagglehub") / "models"


def _name(location: str) -> str:
    """Make an encoder id from a location: the folder's or handle's last part, without a version."""
    parts = [part for part in location.partition("?")[0].split("/") if part]
    while len(parts) > 1 and parts[-1].isdigit():
        parts.pop()
    return parts[-1]
