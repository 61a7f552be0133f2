from typing import Self

import pytest
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from aloe.serving.settings import (
    ServiceSettings,
    WrongSettings,
    read_settings,
    unknown_variables,
)

HIDDEN = "hunter2"


class Settings(ServiceSettings):
    """What a service may be told."""

    model_config = SettingsConfigDict(env_prefix="ALOE_TEST_")

    address: str = "127.0.0.1:0"
    redis_url: SecretStr = Field(SecretStr(""), max_length=20)
    clip_count: int = Field(1, gt=0, description="clips in work")
    clip_s: float = Field(1, gt=0, le=3600)

    @model_validator(mode="after")
    def _at_most_100_times_the_drain(self) -> Self:
        if self.clip_count > 100 * self.drain_s:
            raise ValueError("more clips than can be drained")
        return self


def fault(*arguments: str) -> str:
    with pytest.raises(WrongSettings) as caught:
        read_settings(Settings, arguments)
    return str(caught.value)


def test_flags_come_before_the_environment(monkeypatch):
    monkeypatch.setenv("ALOE_TEST_DRAIN_S", "3")
    monkeypatch.setenv("ALOE_TEST_CLIP_COUNT", "4")
    settings = read_settings(Settings, ["--clip-count", "5"])
    assert (settings.drain_s, settings.clip_count) == (3.0, 5)


def test_every_fault_is_told_in_one_line_with_its_flag_and_value(monkeypatch):
    monkeypatch.setenv("ALOE_TEST_LOG_LEVEL", "LOUD")
    message = fault("--clip-count", "-3", "--drain-s", "soon")
    assert "--clip-count is '-3': " in message
    assert "--drain-s is 'soon': " in message
    assert "--log-level is 'LOUD': " in message
    assert message.endswith(" (see --help)")
    assert "\n" not in message


@pytest.mark.parametrize(
    "flags",
    [
        ["--redis-url", f"redis://:{HIDDEN}@a-host-with-a-long-name"],
        ["--redis-ulr", f"redis://:{HIDDEN}@host"],
        [f"--redis-ulr=redis://:{HIDDEN}@host"],
        ["--redis-url", f"redis://:{HIDDEN}@h", "--clip-count", "2000"],
    ],
)
def test_a_secret_is_not_repeated(flags):
    message = fault(*flags)
    assert HIDDEN not in message
    assert message.endswith(" (see --help)")


def test_a_secret_that_is_wrong_is_told_by_its_flag():
    message = fault("--redis-url", f"redis://:{HIDDEN}@a-host-with-a-long-name")
    assert message.startswith("--redis-url: ")


def test_settings_that_are_wrong_together_are_told():
    assert "the settings: Value error, more clips than can be drained" in fault(
        "--clip-count", "2000"
    )


@pytest.mark.parametrize("odd", ["/", "?", "#", "@", "%", " ", "'", '"', "://"])
def test_no_part_of_a_secret_is_repeated_whatever_is_in_it(odd):
    url = f"redis://:zebra{odd}yak@a-host-with-a-long-name"
    for flags in (["--redis-url", url], ["--redis-ulr", url], [f"--redis-ulr={url}"], [url]):
        message = fault(*flags)
        assert "zebra" not in message
        assert "yak" not in message


class MoreSettings(Settings):
    """Settings made of others."""


@pytest.mark.parametrize("settings_type", [Settings, MoreSettings])
def test_help_tells_the_bounds_of_each_setting(settings_type, capsys):
    with pytest.raises(SystemExit):
        read_settings(settings_type, ["--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "clips in work (at least 1) (default: 1)" in told
    assert "(above 0, at most 3,600) (default: 1)" in told
    assert "at the end (at least 0) (default: 10.0)" in told
    assert "DEBUG, INFO, WARNING or ERROR" in told


def test_a_variable_that_names_no_setting_is_told_with_the_nearest_and_without_its_value(
    monkeypatch,
):
    monkeypatch.setenv("ALOE_TEST_CLIP_COUNTS", HIDDEN)
    monkeypatch.setenv("ALOE_TEST_ZZZ", HIDDEN)
    monkeypatch.setenv("aloe_test_drain_s", "3")
    monkeypatch.setenv("ALOE_OTHER_CLIP_COUNTS", HIDDEN)
    assert list(unknown_variables(Settings)) == [
        "ALOE_TEST_CLIP_COUNTS names no setting: do you mean ALOE_TEST_CLIP_COUNT?",
        "ALOE_TEST_ZZZ names no setting",
    ]
