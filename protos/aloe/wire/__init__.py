"""What both ends of a call must agree on beyond the protos: names and array bytes."""
