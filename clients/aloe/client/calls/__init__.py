"""How a server is called: when a call is repeated, and what a failure means."""
