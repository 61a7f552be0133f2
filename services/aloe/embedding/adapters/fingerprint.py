"""What makes two encoders the same: a hash over weights and preprocessing."""

import hashlib
from pathlib import Path

_HEX_DIGITS = 32
_CHUNK_BYTES = 1 << 20
# Graph, weights and vocabularies. Not fingerprint.pb or metadata: they may differ between copies.
_PARTS = ("saved_model.pb", "saved_model.pbtxt", "variables", "assets")


def fingerprint(preprocessing: str, folder: Path | None = None) -> str:
    """Hash how audio is prepared and, for a SavedModel, its files; 32 hexadecimal digits.

    Neither the folder's place nor the time or the process matters.
    """
    digest = hashlib.sha256(preprocessing.encode())
    for path in _files(folder) if folder else []:
        # Names and sizes go in too, so that bytes cannot move from one file to the next unnoticed.
        name = path.relative_to(folder).as_posix() if folder else path.name
        digest.update(f"\0{name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()[:_HEX_DIGITS]


def _files(folder: Path) -> list[Path]:
    found = [folder / part for part in _PARTS]
    files = [path for path in found if path.is_file()]
    for path in found:
        files += [inner for inner in path.rglob("*") if inner.is_file()]
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())
