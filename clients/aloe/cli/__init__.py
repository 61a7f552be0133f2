"""The `aloe` command."""

import os

# gRPC reads it when it is loaded: its own log lines are not for people at a terminal.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
