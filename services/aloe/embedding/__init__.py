"""The embedding service: hosts frozen encoders and turns clips into embeddings."""
