"""Doing an experiment: embeddings once, then every run that its folder does not have yet."""
