"""What the gateway must be told, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit


class ConfigError(Exception):
    """The environment does not say what the gateway needs; the message names every mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`host` and `port` are where the gateway listens (port 0: any free one), the rest is the broker."""

    host: str
    port: int
    broker_host: str
    broker_port: int
    password: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read KLEINMAELZUNG_LISTEN, KLEINMAELZUNG_MQTT and KLEINMAELZUNG_MQTT_PASSWORD_FILE."""
        mistakes: list[str] = []
        listen = _address(environment.get("KLEINMAELZUNG_LISTEN", "127.0.0.1:8080"), "KLEINMAELZUNG_LISTEN", mistakes)
        broker = _address(
            environment.get("KLEINMAELZUNG_MQTT", "mqtt://127.0.0.1:1883"), "KLEINMAELZUNG_MQTT", mistakes
        )
        password = _secret(environment, mistakes)
        if mistakes:
            raise ConfigError("\n".join(mistakes))
        return cls(host=listen[0], port=listen[1], broker_host=broker[0], broker_port=broker[1], password=password)


def _address(text: str, key: str, mistakes: list[str]) -> tuple[str, int]:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        if parts.scheme in ("", "mqtt") and parts.hostname and parts.port is not None:
            return parts.hostname, parts.port
    except ValueError:
        pass
    mistakes.append(f"{key}: expected host:port, found {text!r}")
    return "", 0


def _secret(environment: Mapping[str, str], mistakes: list[str]) -> str:
    key = "KLEINMAELZUNG_MQTT_PASSWORD_FILE"
    path = environment.get(key)
    if path is None:
        mistakes.append(f"{key}: missing; it names the file with the broker's password for the gateway")
        return ""
    try:
        secret = Path(path).read_text().strip()
    except OSError as error:
        mistakes.append(f"{key}: cannot read {path}: {error.strerror}")
        return ""
    except UnicodeDecodeError:
        mistakes.append(f"{key}: {path} holds no text")
        return ""
    if not secret:
        mistakes.append(f"{key}: {path} is empty")
    return secret
