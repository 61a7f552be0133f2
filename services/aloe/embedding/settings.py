"""What can be set: by flag (`--max-clip-s`) or in the environment (`ALOE_EMBEDDING_MAX_CLIP_S`)."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from aloe.embedding.domain.length_policy import parse_length_policy
from aloe.embedding.domain.precision import Precision
from aloe.serving.settings import ServiceSettings


def _length_policy(text: str) -> str:
    if text:
        parse_length_policy(text)
    return text


class Settings(ServiceSettings):
    """Serve embeddings over gRPC."""

    model_config = SettingsConfigDict(
        env_prefix="ALOE_EMBEDDING_",
        cli_prog_name="python -m aloe.embedding",
        cli_avoid_json=True,
    )

    encoder: str = Field(
        "logmel",
        description="logmel, trillsson1 to trillsson5, trill, trill-distilled, frill,"
        " the folder of a SavedModel, or a TF Hub handle or URL",
    )
    encoder_id: str = Field("", description="the name it goes by; by default from --encoder")
    manifest: Path | None = Field(
        None, description="a TOML file that lists several encoders, instead of --encoder"
    )
    address: str = Field("127.0.0.1:50061", description="host:port to listen on; port 0: any")
    max_clip_s: float = Field(60.0, gt=0, le=3600, description="longest clip taken, in seconds")
    length_policy: Annotated[str, AfterValidator(_length_policy)] = Field(
        "",
        description="exact, grid(FIRST,STEP), window(N), trillsson, ...; empty: found by a probe",
    )
    int16_divisor: float = Field(
        32768.0, gt=0, description="what 16-bit samples are divided by; the paper's code has 32767"
    )
    queue_clip_count: int = Field(1024, gt=0, description="most clips taken in at once")
    queue_mb: int = Field(512, gt=0, description="most memory that clips in work take, in MB")
    queue_sample_count: int = Field(
        1_000_000_000,
        gt=0,
        description="most samples, of all channels, that wait to be decoded; a clip of more fails",
    )
    stream_count: int = Field(2048, gt=0, description="most streams served at once")
    stream_idle_s: float = Field(
        300.0,
        gt=0,
        description="time after which a stream ends that neither sends clips nor takes results",
    )
    cache_mb: int = Field(64, ge=0, description="memory for embeddings of known clips, in MB")
    cache_redis_url: SecretStr = Field(
        SecretStr(""),
        description="a Redis in which servers share embeddings: redis://, rediss:// or unix://;"
        " empty: none",
    )
    cache_ttl_s: int = Field(
        30 * 24 * 3600, gt=0, description="how long Redis keeps an embedding, in seconds"
    )
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|gpu(:[0-9]+)?)$", description="auto, cpu, gpu or gpu:NUMBER"
    )
    precision: Precision = Field(
        Precision.FLOAT32,
        description="float32; tf32 or float16 on a GPU and bfloat16 on a processor that has it are"
        " faster, less exact, and give the encoder a fingerprint of its own",
    )
    inference_thread_count: int = Field(
        0, ge=0, description="threads of the encoders on the processor; 0: one per core"
    )
    concurrent_batch_count: int = Field(
        0,
        ge=0,
        description="batches that run at once, each on its part of those threads; 0: two on the"
        " processor, one on a GPU. One is for an encoder so heavy that a single caller would wait",
    )
    max_batch_size: int = Field(32, gt=0, description="most clips in one batch")
    deterministic: bool = Field(
        False,
        description="run every batch at one size: bit for bit the same alone and among others,"
        " and slower when there is little to do",
    )
    decode_thread_count: int = Field(
        2, gt=0, description="threads that decode and resample, each with a process for decoders"
    )
    decode_memory_mb: int = Field(
        2048,
        ge=512,
        description="address space of such a process, in MB; a clip that needs more fails",
    )
    decode_cpu_s: float = Field(
        60.0,
        gt=0,
        description="processor time to decode a clip, in seconds; one that needs more fails",
    )
