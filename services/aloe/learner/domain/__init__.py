"""What ALOE knows about active learning: pure functions and values, no I/O."""
