"""How a server is called, for both kinds of client: options, repeats, and what a failure means."""
