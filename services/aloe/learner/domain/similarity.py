"""Clips that are like an example: a row of weights more for the scoring kernel.

The example's vector x is the head of two classes whose logits are the inner product x.y and 0. Its
margin of logits is |x.y|, and the class that is predicted says the sign.
"""

import numpy as np

from aloe.learner.domain.arrays import Float32Array, Int16Array, IntArray
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge
from aloe.values.strategies import AcquisitionFunction


def judge_of(example: Float32Array) -> Judge:
    """Return what scores clips by their inner product with an example, (dim,) float32."""
    weights = np.stack([example, np.zeros_like(example)], axis=1)
    head = Head(0, weights, np.zeros(2, np.float32))
    return Judge(head, AcquisitionFunction.MARGIN_LOGITS)


def inner_products(scores: Float32Array, predicted: Int16Array) -> Float32Array:
    """Return inner products, (n,) float32, from what the judge of an example made of clips.

    Args:
        scores: (n,) float32, margins of logits, negated: see acquisition.margin_logits.
        predicted: (n,) int16, 0 where the inner product is not negative.
    """
    products: Float32Array = np.where(predicted == 0, -scores, scores)
    return products


def cosines(products: Float32Array, lengths: Float32Array, length: float) -> Float32Array:
    """Return cosines, (n,) float32; 0 where a clip has no length.

    Args:
        products: (n,) float32, inner products with the example.
        lengths: (n,) float32, of the clips.
        length: of the example, over 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        found = products / lengths / np.float32(length)
    within: Float32Array = np.clip(np.where(lengths > 0, found, np.float32(0)), -1, 1)
    return within


def lengths_of(vectors: Float32Array) -> Float32Array:
    """Return Euclidean lengths, (n,) float32, of vectors, (n, dim) float32."""
    lengths: Float32Array = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return lengths


def most_similar(similarities: Float32Array, count: int) -> IntArray:
    """Return the places of the highest ones, (at most count,) int64; of equals the first ones."""
    if count < len(similarities):
        least = np.partition(similarities, -count)[-count]
        higher = np.flatnonzero(similarities > least)
        equal = np.flatnonzero(similarities == least)[: count - len(higher)]
        places = np.sort(np.concatenate([higher, equal]))
    else:
        places = np.arange(len(similarities))
    return places[np.argsort(-similarities[places], kind="stable")]
