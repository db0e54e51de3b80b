"""A service's environment: read once, all mistakes at once, no secret in what is printed."""

from datetime import timedelta
from pathlib import Path

import pytest

from kleinmaelzung_services.config import ConfigError, read_config
from kleinmaelzung_services.keeping import Keeping


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    password = tmp_path / "password"
    password.write_text("secret-1\n")
    values = {
        "MQTT": "mqtt://broker:1884",
        "MQTT_PASSWORD_FILE": str(password),
        "DSN": "postgresql://logger:secret-2@db/lab",
        **more,
    }
    return {f"KLEINMAELZUNG_{key}": value for key, value in values.items()}


def test_what_is_needed_is_enough(tmp_path: Path) -> None:
    config = read_config(environment(tmp_path), "logger")
    assert (config.broker.host, config.broker.port, config.broker.user) == ("broker", 1884, "service:logger")
    assert (config.broker.password, config.name, config.log_level) == ("secret-1", "logger", "info")
    assert "secret" not in repr(config)


def test_each_of_several_loggers_has_an_account_of_its_own(tmp_path: Path) -> None:
    second = read_config(environment(tmp_path, NAME="logger-2"), "logger")
    assert (second.name, second.broker.user) == ("logger-2", "service:logger-2")
    shared = read_config(environment(tmp_path, NAME="logger-2", MQTT_USER="service:logger"), "logger")
    assert shared.broker.user == "service:logger"
    assert read_config(environment(tmp_path), "history").broker.user == "service:history"


def test_the_dsn_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text("postgresql://db/lab\n")
    assert read_config(environment(tmp_path, DSN="", DSN_FILE=str(file)), "logger").dsn == "postgresql://db/lab"


def test_all_mistakes_come_at_once_with_their_keys() -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(
            {
                "KLEINMAELZUNG_MQTT": "http://broker",
                "KLEINMAELZUNG_MQTT_PASSWORD_FILE": "/nowhere/password",
                "KLEINMAELZUNG_NAME": "Logger 1",
                "KLEINMAELZUNG_LOG_LEVEL": "loud",
            },
            "logger",
        )
    keys = [mistake.partition(":")[0].removeprefix("KLEINMAELZUNG_") for mistake in caught.value.mistakes]
    assert sorted(keys) == ["DSN", "LOG_LEVEL", "MQTT", "MQTT_PASSWORD_FILE", "NAME"]


@pytest.mark.parametrize("more", [{"DSN_FILE": "/some/file"}, {"DSN": "host=db"}, {"DSN": ""}])
def test_a_dsn_that_is_ambiguous_foreign_or_missing_is_refused(tmp_path: Path, more: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="KLEINMAELZUNG_DSN: "):
        read_config(environment(tmp_path, **more), "logger")


def test_the_kind_of_broker_is_one_of_two(tmp_path: Path) -> None:
    assert read_config(environment(tmp_path), "logger").broker.kind == "mosquitto"
    assert read_config(environment(tmp_path, MQTT_KIND="rabbitmq"), "logger").broker.kind == "rabbitmq"
    with pytest.raises(ConfigError, match="KLEINMAELZUNG_MQTT_KIND: expected mosquitto or rabbitmq, found 'emqx'"):
        read_config(environment(tmp_path, MQTT_KIND="emqx"), "logger")


def test_how_long_what_is_kept_is_read_and_checked(tmp_path: Path) -> None:
    assert read_config(environment(tmp_path), "logger").keeping == Keeping()
    kept = read_config(environment(tmp_path, KEEP_RAW="400d", KEEP_ROLLUPS="10y"), "logger").keeping
    assert kept == Keeping(raw=timedelta(days=400), rollups=timedelta(days=3650))
    with pytest.raises(ConfigError) as caught:
        read_config(environment(tmp_path, KEEP_RAW="a year", COMPRESS_AFTER="soon"), "logger")
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == [
        "KLEINMAELZUNG_KEEP_RAW",
        "KLEINMAELZUNG_COMPRESS_AFTER",
    ]
