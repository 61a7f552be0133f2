"""Which oracle answers in a run."""

from collections.abc import Mapping, Sequence

from aloe.oracle import Oracle, SimulatedOracle

PERFECT = "perfect"

_RATES = {"noise": "error_rate", "abstain": "abstention_rate"}


def check_oracle(text: str) -> None:
    """Raise ValueError for a text that names no oracle."""
    _rates(text)


def make_oracle(
    text: str, truth: Mapping[str, str], classes: Sequence[str], *, seed: int
) -> Oracle:
    """Return the oracle that a text names.

    Args:
        text: "perfect", "noise:RATE", "abstain:RATE", or the last two joined by "+".
        truth: clip id to class.
        classes: the task's.
        seed: of what it draws.
    """
    return SimulatedOracle(truth, classes, seed=seed, **_rates(text))


def _rates(text: str) -> dict[str, float]:
    rates: dict[str, float] = {}
    for part in text.split("+") if text != PERFECT else []:
        kind, _, rate = part.partition(":")
        try:
            rates[_RATES[kind]] = float(rate)
        except (KeyError, ValueError):
            raise ValueError("give perfect, noise:RATE, abstain:RATE or both by +") from None
        if not 0.0 <= rates[_RATES[kind]] <= 1.0:
            raise ValueError(f"the rate {rate} is not 0 to 1")
    return rates
