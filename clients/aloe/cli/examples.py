"""Examples of what clips are to be like, as people give them: a clip's id or a file."""

from pathlib import Path

from aloe.cli.console import CommandError
from aloe.client import Decoding, InvalidArgument, LearnerClient, Like, NotFound, Recording
from aloe.wire import names

LIKE_HELP = (
    "a clip's id, or an audio file: ./a.wav is a file where a.wav is a clip as well, and"
    " pools/POOL/clips/CLIP a clip of another pool"
)


def read_like(learner: LearnerClient, pool_id: str, text: str, decoding: Decoding) -> Like:
    """Return what clips are to be like.

    Raises:
        CommandError: it is neither a clip of the pool nor a file.
    """
    if "/" not in text:
        try:
            return learner.get_clip(pool_id, text).clip_id
        except (NotFound, InvalidArgument) as error:
            if error.reason == "POOL_NOT_FOUND":
                raise
    path = Path(text)
    if path.is_file():
        return Recording(path, decoding)
    try:
        names.parse_clip_name(text)
    except names.MalformedName:
        raise CommandError(
            f"{text} is no clip of pool {pool_id}, and no file; `aloe clip list` shows the clips"
        ) from None
    return text
