"""How exactly an encoder computes."""

from enum import Enum


class Precision(Enum):
    """What the large sums of an encoder are made of. Its results are float32 always."""

    FLOAT32 = "float32"
    TF32 = "tf32"
    """float32 with short factors, on a GPU."""
    FLOAT16 = "float16"
    """Mixed with float32, on a GPU."""
    BFLOAT16 = "bfloat16"
    """Mixed with float32, on the processor."""
