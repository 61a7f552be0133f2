"""What both services run on: settings, start and end of the process, a gRPC server, metrics."""
