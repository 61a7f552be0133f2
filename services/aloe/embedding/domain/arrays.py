"""The types of arrays in the embedding service."""

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
