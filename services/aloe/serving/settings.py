"""What can be set of every service, and how wrong settings are told in one line."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from aloe.values.urls import without_logins

_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
"""In words, by their names in pydantic."""


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
    log_level: str = Field(
        "INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="DEBUG, INFO, WARNING or ERROR; what matters less is not written",
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Let `--help` tell the bounds of every setting."""
        for setting in cls.model_fields.values():
            bounds = _bounds(setting)
            if bounds and not (setting.description or "").endswith(bounds):
                setting.description = f"{setting.description or ''} {bounds}".lstrip()


def _bounds(setting: FieldInfo) -> str:
    """Tell the least and the most of a number, such as "(at least 16, at most 3,600)"."""
    told = []
    for name, words in _BOUNDS.items():
        for bound in (getattr(each, name, None) for each in setting.metadata):
            if bound is None:
                continue
            if name == "gt" and setting.annotation is int:
                told.append(f"{_BOUNDS['ge']} {bound + 1:,}")
            else:
                told.append(f"{words} {bound:,}")
    return f"({', '.join(told)})" if told else ""


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


def unknown_variables(settings_type: type[ServiceSettings]) -> Iterator[str]:
    """Tell of each variable of the environment that begins as the settings' do and names none.

    A line each, with the nearest name and never the value, which may be a secret.
    """
    prefix = settings_type.model_config.get("env_prefix", "").upper()
    every = {each.upper() for each in _variables(settings_type, prefix)}
    known = {each for each in every if each.startswith(prefix)}
    for name in sorted(os.environ):
        if prefix and name.upper().startswith(prefix) and name.upper() not in known:
            # Without what all have in common, which would make any two alike.
            ends = [each.removeprefix(prefix) for each in known]
            near = get_close_matches(name.upper().removeprefix(prefix), ends, 1)
            yield f"{name} names no setting" + (f": do you mean {prefix}{near[0]}?" if near else "")


def _variables(settings_type: type[ServiceSettings], prefix: str) -> Iterator[str]:
    for name, setting in settings_type.model_fields.items():
        alias = setting.validation_alias
        if isinstance(alias, AliasChoices):
            yield from (choice for choice in alias.choices if isinstance(choice, str))
        else:
            yield f"{prefix}{name}"


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
