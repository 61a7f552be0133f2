"""The learner as a whole: its use cases on one store, one encoder and one audio store."""

from collections.abc import Callable
from datetime import datetime

from aloe.learner.cache.pools import DEFAULT_BYTE_BUDGET, PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.ports.audio import AudioStore
from aloe.learner.ports.encoder import EncoderPort
from aloe.learner.ports.recordings import RecordingDecoder, RecordingFiles
from aloe.learner.ports.store import Store
from aloe.learner.recorder import NoRecorder, Recorder
from aloe.learner.usecases.choosing import Choosing
from aloe.learner.usecases.collecting import DEFAULT_GRACE_S, AudioCollector
from aloe.learner.usecases.import_memory import DEFAULT_LIMITS, ImportLimits
from aloe.learner.usecases.importing import Importer
from aloe.learner.usecases.label_import import LabelImporter
from aloe.learner.usecases.labeling import Labeling
from aloe.learner.usecases.likeness import Likeness
from aloe.learner.usecases.pool_maps import PoolMaps
from aloe.learner.usecases.pool_predicting import PoolPredictor
from aloe.learner.usecases.pools import Pools
from aloe.learner.usecases.predicting import Predictor
from aloe.learner.usecases.promoting import Promoting
from aloe.learner.usecases.ranking import Ranking
from aloe.learner.usecases.reclassing import Reclassing
from aloe.learner.usecases.recording_import import RecordingImporter
from aloe.learner.usecases.recordings import Recordings
from aloe.learner.usecases.refitting import Refitting
from aloe.learner.usecases.replaying import Replaying
from aloe.learner.usecases.restoring import Restoring
from aloe.learner.usecases.retiring import Retiring
from aloe.learner.usecases.searching import Searching
from aloe.learner.usecases.tasks import Tasks
from aloe.learner.usecases.training import Trainer


class Learner:
    """What the servicer calls. `start` begins what goes on in the background, `stop` ends it."""

    def __init__(
        self,
        store: Store,
        encoder: EncoderPort,
        audio: AudioStore,
        now: Callable[[], datetime],
        *,
        recording_files: RecordingFiles,
        recording_decoder: RecordingDecoder,
        pool_cache_bytes: int = DEFAULT_BYTE_BUDGET,
        audio_grace_s: float = DEFAULT_GRACE_S,
        import_limits: ImportLimits = DEFAULT_LIMITS,
        recorder: Recorder | None = None,
        took: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Take the ports and settings; `took` is told how many bytes passed through memory."""
        recorder = recorder or NoRecorder()
        pool_cache = PoolCache(store, pool_cache_bytes, recorder, took=took)
        task_cache = TaskCache(store, recorder)
        self.now = now
        self.pool_cache = pool_cache
        self.maps = PoolMaps(store, took)
        self.trainer = Trainer(store, pool_cache, task_cache, self.maps, now)
        self.collector = AudioCollector(store, audio, audio_grace_s)
        retiring = Retiring(store, pool_cache, self.trainer.notify)
        self.pools = Pools(
            store,
            pool_cache,
            encoder,
            audio,
            retiring=retiring,
            now=now,
            on_deletion=self.collector.wake,
        )
        self.refitting = Refitting(store, pool_cache, self.maps)
        self.importer = Importer(store, encoder, audio, retiring, import_limits)
        self.recording_importer = RecordingImporter(
            store, encoder, recording_files, recording_decoder, importer=self.importer, now=now
        )
        self.recordings = Recordings(
            store, pool_cache, self.pools, recording_files, recording_decoder
        )
        self.pool_predictor = PoolPredictor(store, pool_cache, task_cache, self.maps)
        self.promoting = Promoting(store, task_cache)
        self.restoring = Restoring(store, task_cache)
        self.tasks = Tasks(store, pool_cache, task_cache, self.trainer, self.maps)
        self.reclassing = Reclassing(store, task_cache, self.tasks, self.trainer, now)
        self.label_importer = LabelImporter(store, pool_cache, task_cache, self.trainer)
        self._ranking = Ranking(pool_cache, self.maps)
        likeness = Likeness(store, pool_cache, encoder)
        self.searching = Searching(store, pool_cache, task_cache, likeness)
        choosing = Choosing(store, self._ranking, likeness)
        self.labeling = Labeling(
            store, pool_cache, task_cache, self.trainer, choosing, recorder=recorder
        )
        self.replaying = Replaying(store, pool_cache, self.maps)
        self.predictor = Predictor(
            store, pool_cache, task_cache, self.trainer, encoder=encoder, maps=self.maps
        )

    def start(self) -> None:
        """Begin to train what is due, and to delete kept audio that no pool needs."""
        self.trainer.start()
        self.collector.start()

    async def stop(self) -> None:
        """Stop both; what is cut short is taken up again later."""
        await self.collector.stop()
        await self.trainer.stop()
        await self.pool_cache.close()
        self.maps.close()
        self._ranking.close()
        self.replaying.close()
