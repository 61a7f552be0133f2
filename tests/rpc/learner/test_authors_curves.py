"""The learning curves of the learner are those of the paper's authors, within seed noise."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.rpc.learner import authors
from tests.rpc.learner.scenes import new_id
from tests.rpc.learner.speech import (
    PER_CLASS,
    class_name,
    class_names,
    clip_id,
    import_speech,
    overlapping_clusters,
    start,
)
from tests.rpc.stacks import running_stack

from aloe.bench.datasets.fsdd import load_fsdd
from aloe.client import (
    AcquisitionFunction,
    AsyncLearnerClient,
    LearnerClient,
    NewClip,
    QueryStrategy,
    SelectionRule,
    Split,
    connect,
    connect_async,
)
from aloe.local import LocalStack, StackOptions
from aloe.oracle import SimulatedOracle, label_task

ROUND_COUNT, SEED_COUNT = 15, 10
PATIENCE = timedelta(minutes=2)


async def curve_of_learner(
    client: AsyncLearnerClient, task_id: str, speech: authors.Speech, first_head: int
) -> list[float]:
    """Label a task as an experiment does; return the test accuracy of each head."""
    truth = {clip_id(row): class_name(label) for row, label in enumerate(speech.labels)}
    report = await label_task(
        client,
        task_id,
        SimulatedOracle(truth, class_names(speech)),
        oracle_id="simulated",
        batch_size=speech.class_count,
        rounds=ROUND_COUNT,
        min_head_version=first_head,
    )
    await client.predict(
        task_id,
        embeddings=speech.embeddings[:1],
        min_head_version=report.head_version,
        timeout=PATIENCE,
    )
    rounds = await client.list_rounds(task_id)
    return [each.test.accuracy for each in rounds if each.test]


async def check_curves_agree(
    client: LearnerClient,
    address: str,
    pool_id: str,
    speech: authors.Speech,
    *,
    is_random: bool,
) -> None:
    """Compare areas under the curves of runs with equal starting labels, own starts and shuffles.

    The mean difference over the seeds must be within two of its standard errors and 1.5 points of
    accuracy: a learner that trains for 30 epochs instead of 100 is 5 to 20 points off.
    """
    function = AcquisitionFunction.RANDOM if is_random else AcquisitionFunction.MARGIN_LOGITS
    strategy = QueryStrategy(function, SelectionRule.CLASS_AWARE)
    started = [start(client, pool_id, speech, strategy, seed) for seed in range(SEED_COUNT)]
    async with connect_async(address) as connected:
        ours = np.array(
            await asyncio.gather(
                *(curve_of_learner(connected, task_id, speech, head) for task_id, head in started)
            )
        )
    theirs = np.array(
        [
            authors.label_actively(
                speech,
                speech.starting_clips(PER_CLASS, seed),
                ROUND_COUNT,
                is_random=is_random,
                class_aware=True,
                generator=np.random.default_rng([seed, 1]),
            )
            for seed in range(SEED_COUNT)
        ]
    )
    assert ours.shape == theirs.shape == (SEED_COUNT, ROUND_COUNT + 1)
    assert ours[:, -1].mean() > ours[:, 0].mean() + 0.03, "nothing was learned"
    differences = (ours - theirs).mean(axis=1)
    standard_error = differences.std(ddof=1) / SEED_COUNT**0.5
    assert standard_error < 0.02, "the runs differ too much to tell anything"
    assert abs(differences.mean()) < 2 * standard_error + 0.015, f"by seed {differences}"


@pytest.mark.slow
@pytest.mark.parametrize("is_random", [False, True], ids=["margin", "random"])
async def test_curves_are_those_of_the_authors_on_clusters(
    client: LearnerClient, stack: LocalStack, is_random
):
    speech = overlapping_clusters()
    pool_id = import_speech(client, speech)
    await check_curves_agree(
        client,
        stack.learner_address,
        pool_id,
        speech,
        is_random=is_random,
    )


@pytest.fixture(scope="module")
def yamnet_stack(yamnet_folder: Path) -> Iterator[LocalStack]:
    with running_stack(StackOptions(encoder=str(yamnet_folder))) as running:
        yield running


@pytest.fixture(scope="module")
def yamnet_client(yamnet_stack: LocalStack) -> Iterator[LearnerClient]:
    with connect(yamnet_stack.learner_address) as connected:
        yield connected


@pytest.fixture(scope="module")
def digits(yamnet_client: LearnerClient, fsdd_root: Path) -> authors.Speech:
    """The spoken digits as YAMNet hears them."""
    data = load_fsdd(fsdd_root)
    pool_id = new_id()
    yamnet_client.create_pool(pool_id)
    clips = [NewClip(each.clip_id, audio=each.path) for each in data.recordings]
    yamnet_client.import_clips(pool_id, clips, timeout=PATIENCE)
    embeddings = {each.clip.clip_id: each.embedding for each in yamnet_client.export_clips(pool_id)}
    splits = [each.split for each in data.recordings]
    return authors.Speech(
        np.array([embeddings[each.clip_id] for each in data.recordings]),
        np.array([data.tasks["digit"].index(each.labels["digit"]) for each in data.recordings]),
        np.array([row for row, split in enumerate(splits) if split is Split.TRAIN]),
        np.array([row for row, split in enumerate(splits) if split is Split.TEST]),
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_random", [False, True], ids=["margin", "random"])
async def test_curves_are_those_of_the_authors_on_spoken_digits(
    yamnet_client: LearnerClient,
    yamnet_stack: LocalStack,
    digits: authors.Speech,
    is_random,
):
    pool_id = import_speech(yamnet_client, digits)
    await check_curves_agree(
        yamnet_client,
        yamnet_stack.learner_address,
        pool_id,
        digits,
        is_random=is_random,
    )
