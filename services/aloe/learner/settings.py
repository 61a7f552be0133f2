"""What can be set: by flag (`--redis-url`) or in the environment (`ALOE_LEARNER_REDIS_URL`)."""

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from aloe.serving.settings import ServiceSettings


class Settings(ServiceSettings):
    """Serve pools, tasks, queries, labels and predictions over gRPC."""

    model_config = SettingsConfigDict(
        env_prefix="ALOE_LEARNER_",
        cli_prog_name="python -m aloe.learner",
        populate_by_name=True,
    )

    address: str = Field("127.0.0.1:50062", description="host:port to listen on; port 0: any")
    embedding: str = Field("127.0.0.1:50061", description="host:port of the embedding service")
    redis_url: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices(
            "redis_url", "redis-url", "ALOE_LEARNER_REDIS_URL", "REDIS_URL"
        ),
        description="redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// URL of the"
        " store (also: REDIS_URL); memory:// keeps everything in this process and forgets it",
    )
    redis_replica_count: int = Field(
        0, ge=0, description="replicas of Redis that must have a change before it is acknowledged"
    )
    pool_cache_mb: int = Field(
        16_384, ge=1, description="memory for the vectors of pools; the coldest give way"
    )
    audio_root: str = Field(
        "aloe-data/audio", description="folder or URL where the audio of keep_audio pools is kept"
    )
    audio_grace_h: float = Field(
        24, ge=1, description="hours that kept audio stays although no pool needs it any more"
    )
    audio_uri_prefixes: str = Field(
        "",
        description="places whose audio clients may name by URI, separated by commas; `aloe up`"
        " calls each --audio-from",
    )
    hear_files: Literal["auto", "on", "off"] = Field(
        "auto",
        description="whether a clip may be heard from any file of this machine that it was imported"
        " from and that still has its hash; auto: if only this machine can connect",
    )
    import_memory_mb: int = Field(
        128,
        ge=16,
        description="memory for clips of all imports that are not stored yet",
    )
    import_idle_s: float = Field(
        300, ge=1, description="seconds after which an import ends that sends nothing"
    )
    recording_gb: int = Field(
        64, ge=1, description="size of the largest recording that is taken to be cut into windows"
    )
    export_idle_s: float = Field(
        300, ge=1, description="seconds after which an export ends of which nothing is taken"
    )
