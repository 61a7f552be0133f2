"""The service on the wire: messages to calls, outcomes to messages, exceptions to statuses."""
