"""What native decoders write to standard error goes nowhere: some never stop."""

import os
import sys
from pathlib import Path

import pytest

from aloe.audio.isolation import IsolatedDecoder


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_standard_error_of_a_decoder_is_nowhere():
    with IsolatedDecoder() as decoder:
        decoder.start()
        [process] = decoder._running
        assert Path(f"/proc/{process._child.pid}/fd/2").readlink() == Path(os.devnull)
