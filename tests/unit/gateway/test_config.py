"""The gateway's environment: read once, every mistake named."""

from pathlib import Path

import pytest

from kleinmaelzung_gateway.config import Config, ConfigError


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    return path


def test_only_the_secret_has_no_default(secret: Path) -> None:
    config = Config.from_environment({"KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret)})
    assert config == Config(host="127.0.0.1", port=8080, broker_host="127.0.0.1", broker_port=1883, password="s3cret")
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("listen", "host", "port"), [("0.0.0.0:80", "0.0.0.0", 80), ("[::1]:8081", "::1", 8081), ("lab:0", "lab", 0)]
)
def test_addresses_are_host_and_port(secret: Path, listen: str, host: str, port: int) -> None:
    config = Config.from_environment(
        {
            "KLEINMAELZUNG_LISTEN": listen,
            "KLEINMAELZUNG_MQTT": f"mqtt://{listen}",
            "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret),
        }
    )
    assert (config.host, config.port, config.broker_host, config.broker_port) == (host, port, host, port)


def mistakes(**environment: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        Config.from_environment({f"KLEINMAELZUNG_{key}": value for key, value in environment.items()})
    return str(refused.value).splitlines()


def test_all_mistakes_come_at_once() -> None:
    assert mistakes(LISTEN="8080", MQTT="http://broker:1883") == [
        "KLEINMAELZUNG_LISTEN: expected host:port, found '8080'",
        "KLEINMAELZUNG_MQTT: expected host:port, found 'http://broker:1883'",
        "KLEINMAELZUNG_MQTT_PASSWORD_FILE: missing; it names the file with the broker's password for the gateway",
    ]


@pytest.mark.parametrize("address", ["", "host", "host:", ":80", "host:port", "host:99999", "host:-1", "[::1:80"])
def test_what_is_no_address_is_quoted(secret: Path, address: str) -> None:
    [mistake] = mistakes(LISTEN=address, MQTT_PASSWORD_FILE=str(secret))
    assert mistake == f"KLEINMAELZUNG_LISTEN: expected host:port, found {address!r}"


def test_a_secret_that_is_not_there_or_empty_or_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert mistakes(MQTT_PASSWORD_FILE=str(path))[0].endswith(f"cannot read {path}: No such file or directory")
    path.write_text(" \n")
    assert mistakes(MQTT_PASSWORD_FILE=str(path)) == [f"KLEINMAELZUNG_MQTT_PASSWORD_FILE: {path} is empty"]
    path.write_bytes(b"\xff\xfe")
    assert mistakes(MQTT_PASSWORD_FILE=str(path)) == [f"KLEINMAELZUNG_MQTT_PASSWORD_FILE: {path} holds no text"]
