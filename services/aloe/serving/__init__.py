"""One gRPC runtime for both services: health, reflection, limits, errors, drain."""
