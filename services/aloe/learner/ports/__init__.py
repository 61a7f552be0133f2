"""What the learner needs of the world: a store, an encoder, and a place for recordings."""
