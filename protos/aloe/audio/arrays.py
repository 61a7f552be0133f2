"""Arrays of samples."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
SampleArray = NDArray[Any]
"""(n_frames, n_channels), int16 or float32: 16-bit sources stay as they are."""

INT16_FULL_SCALE = 32_768.0
