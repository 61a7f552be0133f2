"""What can be set of every service, and how wrong settings are told in one line."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from aloe.values.urls import without_logins


class WrongSettings(Exception):
    """Settings that a service cannot run with; the message names every fault in one line."""


class ServiceSettings(BaseSettings):
    """What every service can be told, by flag or in the environment."""

    model_config = SettingsConfigDict(
        cli_kebab_case=True, cli_implicit_flags=True, cli_hide_none_type=True
    )

    address: str = Field(description="host:port to listen on; port 0: any")
    metrics_address: str = Field(
        "",
        description="host:port, or a port on loopback, for Prometheus to read metrics over HTTP;"
        " empty: none",
    )
    drain_s: float = Field(10.0, ge=0, description="time that running calls get at the end")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


S = TypeVar("S", bound=ServiceSettings)


def read_settings(settings_type: type[S], arguments: Sequence[str]) -> S:
    """Read settings from flags and the environment; `--help` prints them and ends the process.

    Raises:
        WrongSettings: some are wrong. No value of a secret setting is repeated.
    """
    try:
        return CliApp.run(settings_type, list(arguments), cli_exit_on_error=False)
    except ValidationError as error:
        faults = [_fault(settings_type, fault) for fault in error.errors()]
        raise _wrong(faults) from error
    except SettingsError as error:
        # A URL here may be the value of a flag that is misspelt, and hold a password.
        raise _wrong([re.sub(r"://\S+", "://...", without_logins(str(error)))]) from error


def _wrong(faults: Iterable[str]) -> WrongSettings:
    return WrongSettings(f"{' '.join('; '.join(faults).split())} (see --help)")


def _fault(settings_type: type[ServiceSettings], fault: Mapping[str, Any]) -> str:
    location = fault["loc"]
    if not location:  # found in several settings together: the input would be all of them
        return f"the settings: {fault['msg']}"
    name = str(location[0])
    flag = f"--{name.replace('_', '-')}"
    setting = settings_type.model_fields.get(name)
    if setting is None or setting.annotation is SecretStr:
        return f"{flag}: {fault['msg']}"
    return f"{flag} is {fault['input']!r}: {fault['msg']}"
