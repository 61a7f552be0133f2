"""Errors of conversion, and the domain of the errors that these servers send."""

ERROR_DOMAIN = "aloe"
"""The `domain` of the google.rpc.ErrorInfo in every error of these servers."""


class MalformedValue(ValueError):
    """A field that does not hold what it should."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}" if field else description)
        self.field = field
        """Its path, such as "stopping_rule.plateau.round_count"; "" for the message itself."""
        self.description = description
