"""What keys other than characters send."""

ENTER = ("\r", "\n")
ESCAPE = "\x1b"
BACKSPACE = ("\x7f", "\b")
CLEAR = "\x15"
"""Ctrl-U."""
END_OF_INPUT = "\x04"
"""Ctrl-D."""
