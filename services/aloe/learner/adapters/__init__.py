"""The learner's ports, connected: Redis or memory, the embedding service, a folder of audio."""
