"""Compiled loops over embeddings: scoring, predicting, training and picking in float32.

A clip's figures depend on its vector and the head alone, bit for bit: not on the clips around it,
nor on how many threads there are.
"""
