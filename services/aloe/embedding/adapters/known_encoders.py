"""The published encoders that have a short name here, and where each is found."""

from dataclasses import dataclass

from aloe.embedding.domain.length_policy import Exact, LengthPolicy, Trillsson


@dataclass(frozen=True, slots=True)
class KnownEncoder:
    """Where a published encoder lies, and what its clips must look like."""

    handle: str
    """On TF Hub."""
    length_policy: LengthPolicy
    kaggle_handle: str
    """On Kaggle, where a person can download it, and under which its cache keeps it."""

    @property
    def page(self) -> str:
        """Where a person can download it."""
        return f"https://www.kaggle.com/models/{self.kaggle_handle}"


_TFHUB = "https://tfhub.dev/google/"
# The front end of these three zero-pads to one second (n_required in tf_frontend.py), so padding
# shorter clips to it changes nothing, and clips under one frame of 960 ms are taken at all.
_ONE_SECOND = Exact(minimum=16_000)


def _nonsemantic(name: str, version: int) -> KnownEncoder:
    family = "nonsemantic-speech-benchmark"
    return KnownEncoder(
        f"{_TFHUB}{family}/{name}/{version}",
        _ONE_SECOND,
        f"google/{family}/tensorFlow2/{name}/{version}",
    )


KNOWN_ENCODERS = {
    **{
        f"trillsson{n}": KnownEncoder(
            f"{_TFHUB}trillsson{n}/1", Trillsson(), f"google/trillsson/tensorFlow2/{n}/1"
        )
        for n in range(1, 6)
    },
    "trill": _nonsemantic("trill", 3),
    "trill-distilled": _nonsemantic("trill-distilled", 3),
    "frill": _nonsemantic("frill", 1),
}
