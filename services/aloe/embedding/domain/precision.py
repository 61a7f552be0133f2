"""How exactly an encoder computes."""

from enum import Enum


class Precision(Enum):
    """What matrix products and convolutions are computed in. Embeddings are always float32."""

    FLOAT32 = "float32"
    TF32 = "tf32"
    """float32 whose factors are rounded to a mantissa of 10 bits, on a GPU."""
    FLOAT16 = "float16"
    """Mixed with float32, on a GPU."""
    BFLOAT16 = "bfloat16"
    """Mixed with float32, on the processor."""
