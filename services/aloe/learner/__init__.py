"""The learner service: pools, tasks, queries, labels, heads and predictions."""
