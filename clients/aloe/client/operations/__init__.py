"""One function for each RPC: what to send and how to read the answer, for both kinds of client."""
