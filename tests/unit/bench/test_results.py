import json
import math

import pytest

from aloe.bench.results import Ceiling, CurvePoint, Metadata, Run, Simulation, summarize
from aloe.client.types import AcquisitionFunction, SelectionRule

MARGIN, RANDOM = AcquisitionFunction.SMALLEST_MARGIN, AcquisitionFunction.RANDOM


def make_run(
    strategy: AcquisitionFunction = MARGIN,
    seed: int = 0,
    labels: int = 20,
    accuracy: float | None = 0.8,
    task: str = "digit",
) -> Run:
    return Run(
        task=task,
        strategy=strategy,
        selection=SelectionRule.CLASS_AWARE,
        seed=seed,
        labels=labels,
        accuracy=accuracy,
        curve=(CurvePoint(10, 0.5), CurvePoint(20, None)),
        test_curve=(CurvePoint(10, math.nan), CurvePoint(20, accuracy)),
    )


def test_simulation_is_written_as_json() -> None:
    simulation = Simulation(
        runs=(make_run(),),
        ceilings=(Ceiling("digit", 2400, 0.9, (0, 1)),),
        metadata=Metadata("logmel", "abc", {"numpy": "2"}, {"rounds": 40}),
    )
    assert simulation.to_json() == {
        "runs": [
            {
                "task": "digit",
                "strategy": "margin",
                "selection": "class-aware",
                "seed": 0,
                "labels": 20,
                "accuracy": 0.8,
                "curve": [{"labels": 10, "accuracy": 0.5}, {"labels": 20, "accuracy": None}],
                "test_curve": [{"labels": 10, "accuracy": None}, {"labels": 20, "accuracy": 0.8}],
            }
        ],
        "ceilings": {"digit": {"accuracy": 0.9, "labels": 2400, "seeds": [0, 1]}},
        "encoder": {"id": "logmel", "fingerprint": "abc"},
        "versions": {"numpy": "2"},
        "settings": {"rounds": 40},
    }


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_json_never_holds_nan(nothing: float | None) -> None:
    simulation = Simulation(
        runs=(make_run(accuracy=nothing),),
        ceilings=(Ceiling("digit", 2400, nothing),),
        metadata=Metadata("logmel", "abc", {}, {}),
    )
    written = json.loads(json.dumps(simulation.to_json(), allow_nan=False))
    assert written["runs"][0]["accuracy"] is None
    assert written["ceilings"]["digit"]["accuracy"] is None


def test_summary_is_over_the_seeds_of_a_strategy() -> None:
    runs = [
        make_run(MARGIN, seed=0, labels=20, accuracy=0.7),
        make_run(RANDOM, seed=0, accuracy=0.5),
        make_run(MARGIN, seed=1, labels=22, accuracy=0.9),
        make_run(MARGIN, task="speaker", accuracy=0.95),
    ]
    margin, random, speaker = summarize(runs)
    assert (margin.task, margin.strategy, margin.run_count) == ("digit", MARGIN, 2)
    assert margin.labels == 21
    assert margin.accuracy_mean == pytest.approx(0.8)
    assert margin.accuracy_std == pytest.approx(0.02**0.5)
    assert (random.strategy, random.accuracy_mean, random.accuracy_std) == (RANDOM, 0.5, None)
    assert speaker.task == "speaker"


def test_summary_without_any_accuracy_has_none() -> None:
    (summary,) = summarize([make_run(accuracy=None)])
    assert (summary.accuracy_mean, summary.accuracy_std, summary.run_count) == (None, None, 1)
