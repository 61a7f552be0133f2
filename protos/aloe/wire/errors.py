"""What is wrong with a value on its way to or from the wire, and whose errors are whose."""

ERROR_DOMAIN = "aloe"
"""In the google.rpc.ErrorInfo that every failure of this project's servers carries."""


class MalformedValue(ValueError):
    """A field that does not hold what it should."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field
        """Its path, such as "stopping_rule.plateau.round_count"."""
        self.description = description
