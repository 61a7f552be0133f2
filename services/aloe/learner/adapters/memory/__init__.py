"""The store in memory: the model that tests compare the one in Redis with, call by call."""
