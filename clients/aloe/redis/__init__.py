"""A Redis by its URL: connecting to it, and whether it keeps what it is given.

For the learner, which lives on one, and for the commands that look at it before anything is lost.
"""
