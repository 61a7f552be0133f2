"""GUANO, the "Grand Unified Acoustic Notation Ontology" 1.0: lines of keys and values.

https://github.com/riggsd/guano-spec
"""

from collections.abc import Callable

from aloe.audio.recorders.attributes import Attributes, decoded, name_of

CHUNK = b"guan"
_PREFIX = "guano_"
_MOST_LINES = 1_000

Take = Callable[[Attributes, str, str], None]


def _position(found: Attributes, _name: str, text: str) -> None:
    parts = text.replace(",", " ").split()
    if len(parts) != 2:
        found.note(f"Loc Position: {text[:40]!r} is no latitude and longitude")
        return
    for name, part in zip(("latitude", "longitude"), parts, strict=True):
        found.number(name, part)


def _note(found: Attributes, name: str, text: str) -> None:
    found.text(name, text.replace("\\n", "\n"))


_KNOWN: dict[str, tuple[str, Take]] = {
    "Timestamp": ("recorded_at", Attributes.time),
    "Make": ("recorder_make", Attributes.text),
    "Model": ("recorder_model", Attributes.text),
    "Serial": ("recorder_serial", Attributes.text),
    "Firmware Version": ("recorder_firmware", Attributes.text),
    "Hardware Version": ("recorder_hardware", Attributes.text),
    "Loc Position": ("", _position),
    "Loc Elevation": ("elevation_m", Attributes.number),
    "Loc Accuracy": ("location_accuracy_m", Attributes.number),
    "Temperature Int": ("recorder_temperature_c", Attributes.number),
    "Temperature Ext": ("temperature_c", Attributes.number),
    "Humidity": ("humidity_percent", Attributes.number),
    "Filter HP": ("high_pass_khz", Attributes.number),
    "Filter LP": ("low_pass_khz", Attributes.number),
    "TE": ("time_expansion", Attributes.number),
    "Length": (f"{_PREFIX}length_s", Attributes.number),
    "Samplerate": (f"{_PREFIX}sample_rate_hz", Attributes.number),
    "Species Auto ID": ("species_auto", Attributes.text),
    "Species Manual ID": ("species_manual", Attributes.text),
    "Tags": ("tags", Attributes.text),
    "Note": ("note", _note),
    "Original Filename": ("original_filename", Attributes.text),
}


def read(body: bytes, found: Attributes) -> None:
    """Read a chunk."""
    lines = decoded(body).split("\n")
    if len(lines) > _MOST_LINES:
        found.note(f"guano: only the first {_MOST_LINES:,} lines are read")
    for line in lines[:_MOST_LINES]:
        key, colon, text = (part.strip(" \t\r\0") for part in line.partition(":"))
        if not colon or not key:
            if key:
                found.note(f"guano: {line.strip()[:40]!r} is no key with a value")
        elif text:
            name, take = _KNOWN.get(
                key, (_PREFIX + name_of(key.replace("GUANO|", "")), Attributes.text)
            )
            take(found, name, text)
