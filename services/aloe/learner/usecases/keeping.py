"""Keeping the recordings of an import, where the pool wants that."""

from dataclasses import replace
from functools import partial

from aloe.learner.bulkheads import Threads
from aloe.learner.domain.errors import AudioNotKept, InvalidInput
from aloe.learner.domain.pool import Audio, Clip, Pool, content_hash, of_any_channel
from aloe.learner.domain.recordings import is_recording_of
from aloe.learner.ports.audio import AudioStore
from aloe.learner.ports.encoder import EmbeddedAudio
from aloe.learner.usecases.appending import BadClip, Block


class Keeper:
    """Keeps recordings for one pool."""

    def __init__(self, audio: AudioStore, pool: Pool, hashing: Threads) -> None:
        """Take the pool and the threads of HASHING."""
        self._audio, self._pool, self._hashing = audio, pool, hashing

    async def keep(self, audio: Audio, content_hash: str) -> None:
        """Keep a recording if the pool keeps audio.

        Raises:
            AudioNotKept: it could not be written.
        """
        if self._pool.keep_audio:
            await self._audio.keep(audio, content_hash)

    async def keep_embedded(
        self, block: Block, audio: Audio, result: EmbeddedAudio
    ) -> AudioNotKept | None:
        """Fill the block of a clip whose recording was embedded; return why not, if it is not.

        The recording is kept only now: nothing may be kept of one that cannot be read.
        """
        (clip,) = block.clips
        if result.report.channel_count == 1 and audio.decoding.channel_rule:
            # It is the same whichever channel was asked for.
            audio = of_any_channel(audio)
            clip = replace(clip, content_hash=content_hash(audio))
        try:
            await self.keep(audio, clip.content_hash)
        except AudioNotKept as error:
            return error
        block.clips = [
            replace(
                clip,
                duration_s=result.duration_s,
                decoding=audio.decoding,
                report=result.report,
            )
        ]
        block.vectors = result.embedding[None]
        return None

    async def keep_given(self, clip: Clip, audio: Audio) -> Clip | BadClip:
        """Keep a recording that a caller says is that of a clip, if it is."""
        try:
            if not await self._hashing.run(partial(is_recording_of, clip, audio)):
                raise InvalidInput.of("audio", "is not the recording with this content_hash")
            await self.keep(audio, clip.content_hash)
        except (InvalidInput, AudioNotKept) as error:
            return BadClip(clip.clip_id, error)
        return clip
