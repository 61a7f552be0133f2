"""Recordings read to the end of their data, in any container that people have.

What a container promises and does not hold, and what cannot be decoded, is found and told: nothing
is read short without a word.
"""
