"""What a process keeps in memory of what the store has; it may be dropped at any time."""
