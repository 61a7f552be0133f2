"""What `aloe doctor` says of files: room, who may read them, and places of audio."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from aloe.cli.doctor_finding import Finding
from aloe.local.private import is_open, open_folders
from aloe.values.urls import shown

_LITTLE_BYTES = 1_000_000_000
_AUDIO_ROOT, _PREFIXES = "ALOE_LEARNER_AUDIO_ROOT", "ALOE_LEARNER_AUDIO_URI_PREFIXES"


def file_findings(data_dir: Path) -> Iterator[Finding]:
    """Look at the data folder, at where audio is kept otherwise, and at allowed places."""
    yield _disk(
        "disk",
        data_dir,
        "make room: when the disk is full, no label is taken; or give --data-dir",
        "aloe up --data-dir FOLDER, one that can",
    )
    audio_root = _audio_root(data_dir)
    if audio_root:
        yield _disk(
            "disk of kept audio",
            audio_root,
            "make room: when it is full, recordings of pools that keep audio are not imported",
            f"give another {_AUDIO_ROOT}, or let the learner's user write there",
        )
    folders = open_folders(data_dir)
    if audio_root and audio_root not in folders and is_open(audio_root):
        folders.append(audio_root)
    if folders:
        names = ", ".join(str(folder) for folder in folders)
        yield Finding(
            "privacy",
            ok=False,
            found=f"other users of this machine may look into {names}",
            remedy=f"chmod go= {' '.join(map(str, folders))}",
            needed=False,
        )
    yield from _places()


def _disk(name: str, folder: Path, room: str, elsewhere: str) -> Finding:
    """Look at where something is kept, or at what is there of its path."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        what = "cannot be written" if there.is_dir() else "is no folder"
        return Finding(name, ok=False, found=f"{there} {what}", remedy=elsewhere)
    free_bytes = shutil.disk_usage(there).free
    ok = free_bytes >= _LITTLE_BYTES
    found = f"{free_bytes / 1e9:,.1f} GB free in {there}"
    return Finding(name, ok, found, "" if ok else room, needed=False)


def _audio_root(data_dir: Path) -> Path | None:
    """Return the folder of kept audio, where it is another than that of `aloe up` or elsewhere."""
    root = os.environ.get(_AUDIO_ROOT, "").removeprefix("file://")
    if root:
        return None if "://" in root else Path(root)
    audio = data_dir / "audio"
    if not audio.exists():
        return None
    is_elsewhere = not audio.is_dir() or audio.stat().st_dev != data_dir.stat().st_dev
    return audio if is_elsewhere else None


def _places() -> Iterator[Finding]:
    for prefix in os.environ.get(_PREFIXES, "").split(","):
        place = prefix.strip()
        if place.lower().startswith("http://"):
            yield Finding(
                "place of audio",
                ok=False,
                found=f"{shown(place)}: what is read there may be changed on its way",
                remedy="allow https:// instead",
                needed=False,
            )
        elif place and place.rstrip("/") in ("file:", ""):
            yield Finding(
                "place of audio",
                ok=False,
                found=f"{place}: callers may import every recording of this machine",
                remedy=f"name folders in {_PREFIXES}",
                needed=False,
            )
