"""What the learner does: rank, lease, label, train, predict, import."""
