"""The store in memory, the model that the contract's tests hold the other one to."""
