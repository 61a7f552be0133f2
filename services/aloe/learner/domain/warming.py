"""Compiles the kernels before they are needed, or loads them from the disk cache."""

import numpy as np
from scipy import sparse

from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.batches.density import densities, mean_direction
from aloe.learner.domain.batches.rules import RULES
from aloe.learner.domain.batches.situation import Situation
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.graphs.spectrum import fit_spectrum
from aloe.learner.domain.graphs.subspace import largest_eigenpairs
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement, all_in_range, class_probabilities
from aloe.learner.domain.representations.fitting import fit
from aloe.learner.domain.selection import first_clips
from aloe.learner.domain.several import train_several
from aloe.learner.domain.similarity import Comparison
from aloe.learner.domain.training import train_head
from aloe.values.recipes import AdamRecipe, LogisticRecipe
from aloe.values.representations import Representation
from aloe.values.similarities import Similarity
from aloe.values.strategies import AcquisitionFunction, SelectionRule


def warm_up() -> None:
    """Run every kernel once, on tiny arrays."""
    embeddings = np.eye(2, dtype=np.float32)
    rows = np.arange(2)
    for recipe in (LogisticRecipe(iteration_count=2), AdamRecipe(epoch_count=1)):
        head = train_head(recipe, embeddings, rows, class_count=2, seed=0, version=1)
    maps = [
        fit(kind, embeddings, seed=0) for kind in (Representation.LINEAR, Representation.KERNEL)
    ]
    for count in (1, 100):
        some = np.zeros(count, np.int64)
        class_probabilities(head, embeddings, some)
        for each in maps:
            each.map(embeddings[some])
    _warm_sigmoids(embeddings)
    all_in_range(embeddings)
    judgement = Judgement([_judge(head)], embeddings, rows)
    judgement.share(0, 2)
    first_clips(
        SelectionRule.CLASS_AWARE,
        scores=judgement.scores[0],
        predicted=judgement.predicted[0],
        is_open=np.ones(2, np.bool_),
        class_count=2,
        count=1,
    )
    for similarity in Similarity:
        Comparison(embeddings, rows, embeddings[0], similarity).share(0, 2)
    _pick_batches(embeddings)


def _warm_sigmoids(embeddings: Float32Array) -> None:
    targets = np.eye(2, dtype=np.int8)
    head = train_several(AdamRecipe(epoch_count=1), embeddings, targets, seed=0, version=1)
    for count in (1, 100):
        class_probabilities(head, embeddings, np.zeros(count, np.int64))


def _pick_batches(vectors: Float32Array) -> None:
    # One labeled, one leased, and clips for every rule to pick from.
    situation = Situation.without_head(
        vectors, vectors, vectors, np.array([0, NO_CLASS]), class_count=2, seed=0, count=2
    )
    for rule in RULES.values():
        rule(situation)
    densities(vectors, mean_direction(vectors))
    fit_spectrum(vectors, seed=0)
    joined = sparse.csr_array((1 - np.eye(8)) / 7)
    largest_eigenpairs(joined, np.empty((8, 0)), count=1, seed=0)


def _judge(head: Head) -> Judge:
    return Judge(head, AcquisitionFunction.SMALLEST_MARGIN)
