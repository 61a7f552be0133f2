"""The type of the arrays that clients take and return."""

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
