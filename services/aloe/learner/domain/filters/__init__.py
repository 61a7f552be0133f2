"""Filters: which clips of a pool a call is about, as one line of text; pure."""
