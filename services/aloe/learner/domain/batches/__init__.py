"""Batches: which clips are asked together, as pure functions of a situation.

Each rule picks greedily: the first k of a longer batch are the batch of k, so that a query may
send spare picks. Ties go to the lower place, and a seed fixes what is drawn: a pick can be
replayed bit for bit.
"""
