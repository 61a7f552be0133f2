"""Finding and mending what is damaged of the learner's data in Redis."""

from aloe.redis.repair.examining import Damage, examine

__all__ = ["Damage", "examine"]
