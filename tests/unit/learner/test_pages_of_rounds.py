"""Pages of rounds are as long as a message allows: of several labels a clip rounds are large."""

from datetime import UTC, datetime

import pytest

from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.several_evaluation import ClassFigures
from aloe.learner.rpc.heads import page_of_rounds
from aloe.learner.usecases.advice import RoundReport
from aloe.learner.usecases.probabilities import MAX_ANSWER_BYTES
from aloe.values.recipes import LogisticRecipe

CLASS_COUNT = 1_000


@pytest.fixture(scope="module")
def large() -> RoundReport:
    values = (0.5,) * CLASS_COUNT
    figures = ClassFigures(values, values, values, values, values)
    evaluation = Evaluation(9, 0.5, 0.5, values, 0.5, figures=figures)
    round_ = Round(
        head_version=1,
        label_count=2,
        head_recipe=LogisticRecipe(),
        validation=evaluation,
        test=evaluation,
        start_time=datetime(2026, 1, 1, tzinfo=UTC),
        training_s=0.1,
        evaluation_s=0.1,
        training_loss=0.5,
    )
    return RoundReport(round_, None, {}, ("x" * 100,) * CLASS_COUNT)


def test_a_page_fits_into_a_message_and_has_a_round_at_least(large: RoundReport):
    page = page_of_rounds([large] * 1_000)
    assert 1 < len(page) < 1_000
    byte_count = sum(each.ByteSize() for each in page)
    assert byte_count <= MAX_ANSWER_BYTES < byte_count + page[0].ByteSize()
    assert len(page_of_rounds([large])) == 1
    assert len(page_of_rounds([])) == 0
