"""From decoded clips to embeddings: how much is taken in, what runs together, what is known."""
