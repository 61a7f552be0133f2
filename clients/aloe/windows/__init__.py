"""Windows of recordings: tables of them in the formats that people use, and events made of them."""

from aloe.windows.checks import Fault, Lengths, WindowFaults, problems
from aloe.windows.formats import TableFormat
from aloe.windows.reading import WindowTable, read_windows
from aloe.windows.source import Source
from aloe.windows.timeline import EventRule, SoundEvent, timeline
from aloe.windows.window import Window
from aloe.windows.writing import by_recording, windows_text, windows_to_parquet

__all__ = [
    "EventRule",
    "Fault",
    "Lengths",
    "SoundEvent",
    "Source",
    "TableFormat",
    "Window",
    "WindowFaults",
    "WindowTable",
    "by_recording",
    "problems",
    "read_windows",
    "timeline",
    "windows_text",
    "windows_to_parquet",
]
