"""The service's own terms: length policies, precisions, errors. Pure functions, no I/O."""
