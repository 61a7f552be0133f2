"""What admission refuses, in terms that every service shares."""


class AdmissionRefused(Exception):
    """Work that is not taken in; nothing of it was done."""


class TooMuch(AdmissionRefused):
    """More than is ever taken in at once: it never will be."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        """Of the request, that asks for too much."""


class Overloaded(AdmissionRefused):
    """No room now."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ShuttingDown(AdmissionRefused):
    """The server ends and takes in no more."""
