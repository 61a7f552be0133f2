"""The clients for blocking code."""
