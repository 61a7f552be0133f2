"""What the results call encoders."""

# Parts of handles and URLs that are no name of an encoder.
_FILLERS = ("frameworks", "variations", "versions")
_KAGGLE_FRAMEWORK = "tensorflow2"


def encoder_name(location: str) -> str:
    """Return what the results call an encoder.

    It is its name, or the last part of its folder, handle or URL that is no version; on Kaggle the
    variation, behind the model's name where it is a number: "trillsson5".
    """
    parts = [part for part in location.partition("?")[0].split("/") if part]
    named = [part for part in parts if part.lower() not in _FILLERS]
    while len(named) > 1 and named[-1].isdecimal() and named[-2].lower() != _KAGGLE_FRAMEWORK:
        named.pop()
    match named:
        case [*_, model, framework, variation] if framework.lower() == _KAGGLE_FRAMEWORK:
            if variation.isdecimal():
                return f"{model}{variation}"
            return model if variation == "default" else variation
    return named[-1] if named else location
