import numpy as np
import pytest

from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import InvalidAudio
from aloe.embedding.domain.length_policy import Exact, Grid, LengthPolicy, Trillsson, Window
from aloe.embedding.domain.policy_probe import Embed, choose_length_policy, rows_are_independent

GRID = Grid(15_600, 7_680)


def energies(patches: Float32Array) -> Float32Array:
    """Turn (..., n_samples) into four numbers each."""
    quarters = np.array_split(patches, 4, axis=-1)
    means = np.stack([np.square(quarter).mean(axis=-1) for quarter in quarters], axis=-1)
    result: Float32Array = np.log(means + 1e-5)
    return result


def padding_to(step: int, first: int = 15_600) -> Embed:
    """Make an encoder that pads to a grid, takes the energies of each patch, and averages them."""

    def embed(batch: Float32Array) -> Float32Array:
        steps = max(0, -(-(batch.shape[1] - first) // step))
        padded = np.pad(batch, ((0, 0), (0, first + step * steps - batch.shape[1])))
        starts = range(0, step * steps + 1, step)
        patches = np.stack([padded[:, start : start + first] for start in starts], axis=1)
        mean: Float32Array = energies(patches).mean(axis=1)
        return mean

    return embed


def hearing_everything(batch: Float32Array) -> Float32Array:
    return energies(batch)


def rounding_up_on_its_grid(batch: Float32Array) -> Float32Array:
    """Pads one step too far where the length is right on the grid, as real encoders do."""
    on_grid = batch.shape[1] > 15_600 and (batch.shape[1] - 15_600) % 7_680 == 0
    return padding_to(7_680)(np.pad(batch, ((0, 0), (0, int(on_grid)))))


def loudest(batch: Float32Array) -> Float32Array:
    """Hears the quietest stretch of each clip: silence at the end shows in quiet clips only."""
    blocks = batch[:, : batch.shape[1] // 400 * 400].reshape(len(batch), -1, 400)
    level = np.log(np.square(blocks).mean(axis=2) + 1e-6)
    loud = np.maximum(level, -9.0)
    return np.stack([loud.max(axis=1), loud.min(axis=1)], axis=1)


def refusing_short_clips(batch: Float32Array) -> Float32Array:
    if batch.shape[1] < 15_000:
        raise InvalidAudio("", "too short")
    return padding_to(7_680)(batch)


@pytest.mark.parametrize(
    ("embed", "policy"),
    [
        (padding_to(7_680), GRID),
        (rounding_up_on_its_grid, GRID),
        (refusing_short_clips, GRID),
        # A coarser grid of its own: the finer one is as right.
        (padding_to(15_360), GRID),
        (padding_to(3_840), Exact()),
        (padding_to(7_680, first=16_000), Exact()),
        (padding_to(7_680, first=15_700), Exact()),
        (padding_to(7_680, first=15_500), Exact()),
        (padding_to(7_840), Exact()),
        (hearing_everything, Exact()),
        (loudest, Exact()),
        (lambda batch: np.ones((len(batch), 3), np.float32), Exact()),
    ],
)
def test_only_a_policy_that_holds_is_chosen(embed: Embed, policy: LengthPolicy) -> None:
    assert choose_length_policy(embed) == policy


@pytest.mark.parametrize(
    ("stated", "chosen"),
    [
        (GRID, GRID),
        (Trillsson(), Exact()),
        (Window(16_000), Exact()),
        (Exact(16_000), Exact()),
    ],
)
def test_a_stated_policy_is_kept_unless_it_is_refuted(
    stated: LengthPolicy, chosen: LengthPolicy
) -> None:
    assert choose_length_policy(padding_to(7_680), stated) == chosen


def test_neighbours_that_change_a_row_are_noticed() -> None:
    assert rows_are_independent(hearing_everything)
    assert not rows_are_independent(lambda batch: energies(batch) - energies(batch).mean(axis=0))
