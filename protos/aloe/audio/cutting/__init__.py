"""Recordings cut into windows while they are read, with no more of them in memory than that takes.

Places are whole frames, by rational arithmetic: nothing drifts over a day.
"""
