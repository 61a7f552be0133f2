"""Representations: what heads and query strategies read of a clip, by a map fitted on its pool."""
