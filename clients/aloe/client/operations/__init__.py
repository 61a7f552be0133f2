"""What to send and how to read the answer, RPC by RPC, for both kinds of client."""
