"""What native decoders write to standard error goes nowhere: some never stop."""

import os
import sys
import time
from pathlib import Path

import pytest

from aloe.audio.isolation import IsolatedDecoder


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_standard_error_of_a_decoder_is_nowhere():
    with IsolatedDecoder() as decoder:
        decoder.start()
        [process] = decoder._running
        error_output = Path(f"/proc/{process._child.pid}/fd/2")
        deadline = time.monotonic() + 10  # It has to start first.
        while error_output.readlink() != Path(os.devnull) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert error_output.readlink() == Path(os.devnull)
