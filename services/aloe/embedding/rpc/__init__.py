"""gRPC: messages in and out, and the status that a failed call gets."""
