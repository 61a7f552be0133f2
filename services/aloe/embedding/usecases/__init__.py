"""What the service does for callers: finds an encoder, embeds the clips of a call or a stream."""
